// SPDX-License-Identifier: MIT
#include "libvideocall/room/rate_limit.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;

VC_TEST(allows_a_burst_of_a_seconds_worth) {
  RateLimit limit;
  const Time start(100s);
  for (int i = 0; i < 5; ++i) ck_assert(limit.allow(start, 5));
  ck_assert(!limit.allow(start, 5));
  ck_assert(!limit.allow(start + 199ms, 5));
  ck_assert(limit.allow(start + 200ms, 5));
  ck_assert(!limit.allow(start + 200ms, 5));
}

VC_TEST(allows_the_rate_for_ever) {
  RateLimit limit;
  for (int i = 0; i < 1000; ++i)
    ck_assert(limit.allow(Time(100s) + i * 250ms, 4));
}

VC_TEST(an_event_window_is_exact) {
  EventWindow window(50, 10s);
  const Time start(100s);
  for (int i = 0; i < 50; ++i)
    ck_assert(!window.exceeded_by(start + i * 100ms));
  // The 51st within 10 s of the first.
  ck_assert(window.exceeded_by(start + 9999ms));
}

VC_TEST(what_is_older_than_the_window_does_not_count) {
  EventWindow window(50, 10s);
  for (int i = 0; i < 1000; ++i)
    ck_assert(!window.exceeded_by(Time(100s) + i * 200ms));
}

VC_SUITE_MAIN("room/rate_limit")
