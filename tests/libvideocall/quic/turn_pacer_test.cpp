// SPDX-License-Identifier: MIT
#include "libvideocall/quic/turn_pacer.h"

#include <algorithm>

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;

namespace {

// Turns of |work| each |period|, or as soon as the pacer lets them.
struct Loop {
  // One turn. Returns how long after the turn before it began.
  Duration turn(Duration work, Duration period, bool left_some = false) {
    const Time before = began;
    began = std::max({began + period, ended, pacer.next()});
    ended = began + work;
    pacer.note(began, ended, left_some);
    return began - before;
  }
  Duration run(Duration work, Duration period) {
    Duration last{};
    for (int i = 0; i < 1'000; ++i) last = turn(work, period);
    return last;
  }

  TurnPacer pacer;
  Time began = Time(1000s);
  Time ended = began;
};

}  // namespace

VC_TEST(up_to_half_load_nothing_waits) {
  Loop loop;
  ck_assert(loop.run(490us, 1ms) == 1ms);
  ck_assert(loop.run(1ms, 50ms) == 50ms);
}

VC_TEST(a_busy_loop_rests_longer_and_no_longer_than_the_longest_tick) {
  Loop loop;
  const Duration high = loop.run(600us, 1ms);
  ck_assert(high > 1ms && high < TurnPacer::kLongestTick);
  // Work that does not become less by waiting: the tick is as long as may be.
  Loop full;
  ck_assert(full.run(9ms, 1ms) == TurnPacer::kLongestTick);
  // A turn that takes longer by itself is not put off.
  ck_assert(full.run(15ms, 1ms) == 15ms);
}

VC_TEST(what_was_left_is_due_at_once) {
  Loop loop;
  loop.run(9ms, 1ms);
  loop.turn(2ms, 0ms, true);
  ck_assert(loop.turn(2ms, 0ms) == 2ms);
}

VC_TEST(a_pause_makes_it_forget) {
  Loop loop;
  loop.run(9ms, 1ms);
  ck_assert(loop.turn(1ms, 1s) == 1s);
  ck_assert(loop.turn(1ms, 2ms) == 2ms);
}

VC_SUITE_MAIN("quic/turn_pacer")
