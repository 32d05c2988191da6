// SPDX-License-Identifier: MIT
#include "libvideocall/room/dominant.h"

#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;

namespace {

constexpr uint8_t kSilence = 127;
constexpr uint8_t kVoice = 30;
constexpr uint8_t kLoud = 15;

struct Table {
  Dominant dominant;
  Voice anna, bert;
  Time now = Time(1000s);

  // Both send for |duration|; returns how often the lead changed.
  int talk(uint8_t level_a, uint8_t level_b, Duration duration) {
    int changes = 0;
    for (Duration done{}; done < duration; done += 20ms) {
      now += 20ms;
      changes += dominant.heard(anna, level_a, now);
      changes += dominant.heard(bert, level_b, now);
    }
    return changes;
  }
};

}  // namespace

VC_TEST(nobody_leads_a_silent_room) {
  Table table;
  ck_assert_int_eq(table.talk(kSilence, 60, 5s), 0);
  ck_assert(!table.dominant.leader());
}

VC_TEST(a_cough_is_no_speech) {
  Table table;
  table.talk(kSilence, kSilence, 1s);
  for (int i = 0; i < 10; ++i) {
    table.talk(kLoud, kSilence, 100ms);
    table.talk(kSilence, kSilence, 900ms);
  }
  ck_assert(!table.dominant.leader());
  ck_assert(!table.anna.speaking());
  ck_assert_int_eq(table.talk(kVoice, kSilence, 400ms), 1);
  ck_assert(table.dominant.leader() == &table.anna);
  ck_assert(table.anna.speaking());
}

VC_TEST(a_breath_keeps_the_lead_and_a_silence_leaves_it_to_the_next) {
  Table table;
  table.talk(kVoice, kSilence, 1s);
  table.talk(kSilence, kSilence, 600ms);
  ck_assert(table.anna.speaking());
  ck_assert(table.dominant.leader() == &table.anna);
  table.talk(kSilence, kSilence, 2s);
  ck_assert(!table.anna.speaking());
  // Until somebody else speaks the last is shown.
  ck_assert(table.dominant.leader() == &table.anna);
  ck_assert_int_eq(table.talk(kSilence, kVoice, 500ms), 1);
  ck_assert(table.dominant.leader() == &table.bert);
}

VC_TEST(who_speaks_in_between_does_not_take_the_lead_but_who_is_louder_does) {
  Table table;
  table.talk(kVoice, kSilence, 2s);
  ck_assert_int_eq(table.talk(kVoice, kVoice, 5s), 0);
  ck_assert(table.dominant.leader() == &table.anna);
  ck_assert_int_eq(table.talk(kVoice, kLoud, 3s), 1);
  ck_assert(table.dominant.leader() == &table.bert);
}

VC_TEST(two_who_quarrel_do_not_alternate_faster_than_people_look) {
  Table table;
  int changes = 0;
  for (int i = 0; i < 30; ++i) {
    changes += table.talk(kVoice, 33, 300ms);
    changes += table.talk(33, kVoice, 300ms);
  }
  ck_assert_int_le(changes, 2);
}

VC_TEST(who_leaves_leads_no_more) {
  Table table;
  table.talk(kVoice, kSilence, 1s);
  ck_assert(!table.dominant.remove(table.bert));
  ck_assert(table.dominant.remove(table.anna));
  ck_assert(!table.dominant.leader());
}

VC_SUITE_MAIN("room/dominant")
