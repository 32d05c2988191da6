// SPDX-License-Identifier: MIT
#include "server/connection_table.h"

#include "server/http_limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using videocall::server::ConnectionTable;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1h};
const int g_names[8] = {};

ConnectionTable::Id id(size_t i) {
  return &g_names[i];
}

}  // namespace

VC_TEST(newcomers_take_the_place_of_who_waits_longest) {
  ConnectionTable table(3);
  for (size_t i = 0; i < 3; ++i)
    ck_assert_ptr_null(table.open(id(i), kStart + i * 1s));
  // The oldest has sent a request and gets its answer.
  table.answer(id(0), kStart + 3s);
  ck_assert_ptr_eq(table.open(id(3), kStart + 4s), id(1));
  ck_assert_uint_eq(table.size(), 3);
  // It waits again, but less long than the others.
  table.wait(id(0), kStart + 5s);
  ck_assert_ptr_eq(table.open(id(4), kStart + 6s), id(2));
  ck_assert_ptr_eq(table.open(id(5), kStart + 7s), id(3));
  ck_assert_ptr_eq(table.open(id(6), kStart + 8s), id(0));
  // The end of one that was closed for another is heard later.
  table.close(id(1));
  ck_assert_uint_eq(table.size(), 3);
}

VC_TEST(nobody_is_cut_off_within_an_answer) {
  ConnectionTable table(2);
  for (size_t i = 0; i < 2; ++i) {
    ck_assert_ptr_null(table.open(id(i), kStart));
    table.answer(id(i), kStart);
  }
  ck_assert_ptr_eq(table.open(id(2), kStart), id(2));
  ck_assert_uint_eq(table.size(), 2);
  table.close(id(0));
  ck_assert_ptr_null(table.open(id(2), kStart));
}

VC_TEST(a_request_and_an_answer_have_their_time) {
  ConnectionTable table(8);
  table.open(id(0), kStart);
  table.open(id(1), kStart + 1s);
  table.answer(id(1), kStart + 1s);
  ck_assert(table.expired(kStart + limits::kHttpRequestTimeout - 1ms).empty());
  auto gone = table.expired(kStart + limits::kHttpRequestTimeout);
  ck_assert_uint_eq(gone.size(), 1);
  ck_assert_ptr_eq(gone[0], id(0));
  table.close(id(0));
  ck_assert(
      table.expired(kStart + 1s + limits::kHttpAnswerTimeout - 1ms).empty());
  gone = table.expired(kStart + 1s + limits::kHttpAnswerTimeout);
  ck_assert_uint_eq(gone.size(), 1);
  ck_assert_ptr_eq(gone[0], id(1));
  // The next request has its own time.
  const Time answered = kStart + limits::kHttpAnswerTimeout;
  table.wait(id(1), answered);
  ck_assert(
      table.expired(answered + limits::kHttpRequestTimeout - 1ms).empty());
}

VC_TEST(what_is_unknown_is_ignored) {
  ConnectionTable table(1);
  table.close(id(0));
  table.wait(id(0), kStart);
  table.answer(id(0), kStart);
  ck_assert_uint_eq(table.size(), 0);
  ck_assert(table.expired(kStart + 1h).empty());
}

VC_SUITE_MAIN("server/connection_table")
