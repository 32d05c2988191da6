// SPDX-License-Identifier: MIT
#include "libvideocall/room/loudest.h"

#include <array>

#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using Place = Speaker::Place;

namespace {

struct Panel {
  std::array<Speaker, 12> speakers;
  Loudest loudest;
  Time now{100s};

  // Each says one packet of its level; level 255: silent.
  void round(const std::array<uint8_t, 12>& levels) {
    now += 20ms;
    for (size_t i = 0; i < speakers.size(); ++i) {
      if (levels[i] != 255) loudest.heard(speakers[i], levels[i], now);
    }
  }
  size_t chosen() const {
    size_t count = 0;
    for (const Speaker& s : speakers) count += s.place() == Place::chosen;
    return count;
  }
};

constexpr uint8_t kOff = 255;

}  // namespace

VC_TEST(up_to_eight_are_all_heard_however_quiet) {
  Panel panel;
  panel.round({127, 127, 127, 127, 1, 127, 127, 127, kOff, kOff, kOff, kOff});
  for (size_t i = 0; i < 8; ++i)
    ck_assert(panel.speakers[i].place() == Place::chosen);
}

VC_TEST(of_more_the_loudest_eight_are_heard) {
  Panel panel;
  for (int i = 0; i < 50; ++i)
    panel.round({90, 90, 30, 30, 30, 30, 30, 30, 30, 30, 90, 90});
  ck_assert_uint_eq(panel.chosen(), 8);
  for (size_t i = 2; i < 10; ++i)
    ck_assert(panel.speakers[i].place() == Place::chosen);
}

VC_TEST(who_begins_to_speak_is_heard_with_the_first_packet) {
  Panel panel;
  for (int i = 0; i < 50; ++i)
    panel.round({80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80, 80});
  Speaker& ninth = panel.speakers[11];
  ck_assert(ninth.place() != Place::chosen);
  ck_assert(panel.loudest.heard(ninth, 20, panel.now + 20ms));
  ck_assert(ninth.place() == Place::chosen);
  ck_assert_uint_eq(panel.chosen(), 8);
}

VC_TEST(equals_do_not_alternate) {
  Panel panel;
  for (int i = 0; i < 50; ++i)
    panel.round({40, 42, 41, 43, 40, 42, 41, 43, 40, 42, 41, 43});
  int changes = 0;
  for (int i = 0; i < 500; ++i) {
    panel.now += 20ms;
    for (size_t s = 0; s < 12; ++s) {
      const auto level = static_cast<uint8_t>(40 + (i + int(s)) % 4);
      changes += panel.loudest.heard(panel.speakers[s], level, panel.now);
    }
  }
  ck_assert_int_eq(changes, 0);
}

VC_TEST(who_falls_silent_gives_the_place_away) {
  Panel panel;
  panel.round({10, 10, 10, 10, 10, 10, 10, 10, kOff, kOff, kOff, kOff});
  for (int i = 0; i < 60; ++i)
    panel.round({kOff, 10, 10, 10, 10, 10, 10, 10, 100, kOff, kOff, kOff});
  ck_assert(panel.speakers[8].place() == Place::chosen);
  ck_assert(panel.speakers[0].place() != Place::chosen);
}

VC_TEST(one_is_in_reserve_and_never_two) {
  Panel panel;
  for (int i = 0; i < 20; ++i)
    panel.round({50, 50, 50, 50, 50, 50, 50, 50, 60, 70, 80, 90});
  int reserve = 0;
  for (const Speaker& s : panel.speakers)
    reserve += s.place() == Place::reserve;
  ck_assert_int_eq(reserve, 1);
}

VC_TEST(who_is_removed_leaves_no_trace) {
  Panel panel;
  panel.round({50, 50, 50, 50, 50, 50, 50, 50, 50, kOff, kOff, kOff});
  ck_assert(panel.loudest.remove(panel.speakers[0]));
  ck_assert(!panel.loudest.remove(panel.speakers[0]));
  panel.loudest.remove(panel.speakers[8]);
  ck_assert_uint_eq(panel.chosen(), 7);
  ck_assert(panel.loudest.heard(panel.speakers[9], 120, panel.now));
  ck_assert_uint_eq(panel.chosen(), 8);
}

VC_SUITE_MAIN("room/loudest")
