// SPDX-License-Identifier: MIT
#include "libvideocall/room/keyframe_gate.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;

VC_TEST(asks_once_however_many_want) {
  KeyframeGate gate;
  const Time start(100s);
  ck_assert(!gate.due(start));
  for (int i = 0; i < 100; ++i) gate.want();
  ck_assert(gate.due(start));
  ck_assert(!gate.due(start + 10s));
}

VC_TEST(asks_at_most_every_half_second) {
  KeyframeGate gate;
  const Time start(100s);
  int asked = 0;
  for (int ms = 0; ms < 10'000; ms += 10) {
    gate.want();
    asked += gate.due(start + ms * 1ms);
  }
  ck_assert_int_eq(asked, 20);
}

VC_TEST(keeps_a_wish_until_it_may_be_said) {
  KeyframeGate gate;
  const Time start(100s);
  gate.want();
  ck_assert(gate.due(start));
  gate.want();
  ck_assert(!gate.due(start + limits::kKeyframeRequestInterval - 1ms));
  ck_assert(gate.due(start + limits::kKeyframeRequestInterval));
}

VC_TEST(a_key_frame_ends_the_wish) {
  KeyframeGate gate;
  const Time start(100s);
  gate.want();
  gate.satisfied();
  ck_assert(!gate.due(start));
}

VC_SUITE_MAIN("room/keyframe_gate")
