// SPDX-License-Identifier: MIT
#include "server/rate_limiter.h"

#include "server/spent_tokens.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;

namespace {
const Time kStart{1000s};
}

VC_TEST(a_burst_and_then_the_rate) {
  RateLimiter limiter(2, 3);
  for (int i = 0; i < 3; ++i) ck_assert(limiter.allow("192.0.2.1", kStart));
  ck_assert(!limiter.allow("192.0.2.1", kStart));
  ck_assert(!limiter.allow("192.0.2.1", kStart + 499ms));
  ck_assert(limiter.allow("192.0.2.1", kStart + 501ms));
  ck_assert(!limiter.allow("192.0.2.1", kStart + 502ms));
  // Never more than the burst, however long it was quiet.
  for (int i = 0; i < 3; ++i)
    ck_assert(limiter.allow("192.0.2.1", kStart + 1h));
  ck_assert(!limiter.allow("192.0.2.1", kStart + 1h));
}

VC_TEST(addresses_count_apart_and_networks_of_ipv6_together) {
  RateLimiter limiter(1, 1);
  ck_assert(limiter.allow("192.0.2.1", kStart));
  ck_assert(limiter.allow("192.0.2.2", kStart));
  ck_assert(limiter.allow("2001:db8:0:1::1", kStart));
  ck_assert(!limiter.allow("2001:db8:0:1:ffff::2", kStart));
  ck_assert(limiter.allow("2001:db8:0:2::1", kStart));
}

VC_TEST(rate_0_is_no_limit) {
  RateLimiter limiter(0, 1);
  for (int i = 0; i < 1000; ++i) ck_assert(limiter.allow("192.0.2.1", kStart));
  ck_assert_uint_eq(limiter.addresses(), 0);
}

VC_TEST(memory_is_bounded) {
  RateLimiter limiter(1, 1);
  for (size_t i = 0; i < RateLimiter::kMaxAddresses; ++i)
    ck_assert(limiter.allow(std::to_string(i), kStart));
  ck_assert(!limiter.allow("192.0.2.1", kStart));
  ck_assert(limiter.allow("192.0.2.1", kStart + 2s));
  ck_assert_uint_eq(limiter.addresses(), 1);
}

VC_TEST(a_clock_that_stands_gives_nothing) {
  RateLimiter limiter(1, 1);
  ck_assert(limiter.allow("192.0.2.1", kStart));
  ck_assert(!limiter.allow("192.0.2.1", kStart - 10s));
  ck_assert(!limiter.allow("192.0.2.1", kStart));
}

VC_TEST(spent_tokens_are_remembered_for_their_lifetime) {
  SpentTokens spent(60s);
  spent.add("a", kStart);
  spent.add("a", kStart + 1s);
  ck_assert(spent.contains("a"));
  ck_assert(!spent.contains("b"));
  spent.add("b", kStart + 59s);
  ck_assert(spent.contains("a"));
  spent.add("c", kStart + 60s);
  ck_assert(!spent.contains("a"));
  ck_assert(spent.contains("b"));
  ck_assert_uint_eq(spent.size(), 2);
}

VC_TEST(what_cannot_be_remembered_closes_the_door) {
  constexpr Time kStart = Time(1000s);
  SpentTokens spent(60s, 2);
  spent.add("a", kStart);
  ck_assert(spent.has_room(kStart));
  spent.add("b", kStart + 1s);
  ck_assert_msg(!spent.has_room(kStart + 1s), "full");
  // Known already: nothing is lost.
  spent.add("b", kStart + 2s);
  ck_assert(spent.has_room(kStart + 60s));
  spent.add("c", kStart + 60s);
  // Not remembered: until it has expired nobody can tell it from a fresh one.
  spent.add("d", kStart + 60s);
  ck_assert_uint_eq(spent.size(), 2);
  ck_assert(!spent.contains("d"));
  ck_assert(!spent.has_room(kStart + 119s));
  ck_assert(spent.has_room(kStart + 120s));
}

VC_SUITE_MAIN("server/rate_limiter")
