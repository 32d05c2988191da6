// SPDX-License-Identifier: MIT
#include "libvideocall/quic/impaired_link.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;

namespace {

const Time kStart{1s};

}  // namespace

VC_TEST(without_impairment_all_is_there_at_once) {
  ImpairedLink link({});
  for (int i = 0; i < 100; ++i) ck_assert(link.carry(1'400, kStart) == kStart);
  ck_assert(!Impairment{}.any());
}

VC_TEST(delay_is_added_to_all) {
  ImpairedLink link({.delay = 70ms});
  ck_assert(link.carry(100, kStart) == kStart + 70ms);
  ck_assert(link.carry(100, kStart + 5ms) == kStart + 75ms);
}

VC_TEST(a_bottleneck_spaces_what_passes_it) {
  // 1 Mbit/s: 1 250 bytes last 10 ms.
  ImpairedLink link({.bits_per_second = 1'000'000});
  ck_assert(link.carry(1'250, kStart) == kStart + 10ms);
  ck_assert(link.carry(1'250, kStart) == kStart + 20ms);
  // It was idle in between.
  ck_assert(link.carry(1'250, kStart + 50ms) == kStart + 60ms);
}

VC_TEST(what_does_not_fit_the_queue_is_lost) {
  ImpairedLink link({.bits_per_second = 1'000'000, .queue = 40ms});
  int passed = 0;
  for (int i = 0; i < 20; ++i)
    if (link.carry(1'250, kStart) != Time::max()) ++passed;
  // The first goes out at once, and then 40 ms wait: 0, 10, 20, 30, 40.
  ck_assert_int_eq(passed, 5);
  ck_assert(link.carry(1'250, kStart + 100ms) == kStart + 110ms);
}

VC_TEST(losses_have_their_share_and_repeat_with_the_seed) {
  ImpairedLink a({.loss = 0.2, .seed = 7});
  ImpairedLink b({.loss = 0.2, .seed = 7});
  ImpairedLink c({.loss = 0.2, .seed = 8});
  int lost = 0;
  int differs = 0;
  for (int i = 0; i < 10'000; ++i) {
    const bool gone = a.carry(100, kStart) == Time::max();
    ck_assert(gone == (b.carry(100, kStart) == Time::max()));
    if (gone != (c.carry(100, kStart) == Time::max())) ++differs;
    lost += gone;
  }
  ck_assert_int_gt(lost, 1'850);
  ck_assert_int_lt(lost, 2'150);
  ck_assert_int_gt(differs, 100);
}

VC_SUITE_MAIN("quic/impaired_link")
