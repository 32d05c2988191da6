// SPDX-License-Identifier: MIT
#include "libvideocall/quic/connection_id_table.h"

#include <map>
#include <random>
#include <string>

#include "tests/support/suite.h"

using namespace videocall::quic;

namespace {

constexpr uint64_t kKey = 0x1234567890abcdef;

ConnectionId make_id(uint64_t number, uint8_t size = 8) {
  ConnectionId id;
  id.size = size;
  for (size_t i = 0; i < size; ++i)
    id.bytes[i] = static_cast<uint8_t>(number >> (8 * (i % 8)));
  return id;
}

uint32_t find(const ConnectionIdTable& table, const ConnectionId& id) {
  return table.find(id.bytes.data(), id.size);
}

}  // namespace

VC_TEST(finds_what_was_put_in) {
  ConnectionIdTable table(kKey);
  table.insert(make_id(1), 10);
  table.insert(make_id(2), 20);
  ck_assert_uint_eq(find(table, make_id(1)), 10);
  ck_assert_uint_eq(find(table, make_id(2)), 20);
  ck_assert_uint_eq(find(table, make_id(3)), ConnectionIdTable::kNone);
  table.insert(make_id(1), 11);
  ck_assert_uint_eq(find(table, make_id(1)), 11);
  ck_assert_uint_eq(table.size(), 2);
}

VC_TEST(the_size_is_part_of_the_id) {
  ConnectionIdTable table(kKey);
  table.insert(make_id(0, 8), 1);
  table.insert(make_id(0, 12), 2);
  table.insert(make_id(0, 0), 3);
  ck_assert_uint_eq(find(table, make_id(0, 8)), 1);
  ck_assert_uint_eq(find(table, make_id(0, 12)), 2);
  ck_assert_uint_eq(find(table, make_id(0, 0)), 3);
  ck_assert_uint_eq(find(table, make_id(0, 20)), ConnectionIdTable::kNone);
  const uint8_t longer[21] = {};
  ck_assert_uint_eq(table.find(longer, 21), ConnectionIdTable::kNone);
}

VC_TEST(behaves_like_a_map_under_churn) {
  ConnectionIdTable table(kKey);
  std::map<uint64_t, uint32_t> expected;
  std::mt19937 random(7);
  for (uint32_t step = 0; step < 50'000; ++step) {
    const uint64_t number = random() % 2'000;
    if (random() % 2) {
      table.insert(make_id(number, 12), step);
      expected[number] = step;
    } else {
      table.erase(make_id(number, 12));
      expected.erase(number);
    }
    ck_assert_uint_eq(table.size(), expected.size());
  }
  for (uint64_t number = 0; number < 2'000; ++number) {
    const auto found = expected.find(number);
    ck_assert_uint_eq(
        find(table, make_id(number, 12)),
        found == expected.end() ? ConnectionIdTable::kNone : found->second);
  }
}

VC_SUITE_MAIN("quic/connection_id_table")
