// SPDX-License-Identifier: MIT
#include "libvideocall/quic/qpack.h"

#include <random>

#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic::h3;

VC_TEST(fields_come_back) {
  const Fields fields = {{":method", "CONNECT"},
                         {":protocol", "webtransport"},
                         {":path", "/meet/x?token=" + std::string(900, 'a')},
                         {"sec-webtransport-http3-draft02", "1"},
                         {"empty", ""}};
  auto section = encode_fields(fields);
  ck_assert(section.ok());
  // No dynamic table: required insert count and base are 0 (RFC 9204, 4.5.1).
  ck_assert_int_eq((*section)[0], 0);
  ck_assert_int_eq((*section)[1], 0);
  auto decoded = decode_fields(*section);
  ck_assert(decoded.ok());
  ck_assert(*decoded == fields);
  ck_assert_str_eq(find_field(*decoded, ":method")->c_str(), "CONNECT");
  ck_assert_ptr_null(find_field(*decoded, "origin"));
}

VC_TEST(the_dynamic_table_is_refused) {
  // Required insert count 1, then an indexed field of the dynamic table.
  ck_assert(!decode_fields(std::vector<uint8_t>{0x02, 0x00, 0x80}).ok());
}

VC_TEST(what_is_cut_or_empty_is_refused) {
  auto section = encode_fields({{":method", "CONNECT"}, {"name", "value"}});
  ck_assert(section.ok());
  size_t accepted = 0;
  for (size_t size = 0; size < section->size(); ++size)
    accepted += decode_fields({section->data(), size}).ok();
  // Only between fields.
  ck_assert_uint_le(accepted, 2);
  ck_assert(!decode_fields({}).ok());
}

VC_TEST(a_small_section_that_decodes_to_much_is_refused) {
  Fields fields;
  for (int i = 0; i < 1'000; ++i) fields.emplace_back("age", "0");
  auto section = encode_fields(fields);
  ck_assert(section.ok());
  ck_assert_uint_lt(section->size(), 2'000);
  auto decoded = decode_fields(*section);
  ck_assert(!decoded.ok());
  ck_assert(decoded.error().code == Errc::limit);
}

VC_TEST(random_sections_never_hurt) {
  std::mt19937 random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::vector<uint8_t> bytes(random() % 80);
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
    if (bytes.size() > 2 && i % 2) bytes[0] = bytes[1] = 0;
    (void)decode_fields(bytes);
  }
}

VC_SUITE_MAIN("quic/qpack")
