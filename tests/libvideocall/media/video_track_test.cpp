// SPDX-License-Identifier: MIT
// Video through the receiver: groups, layers, resets, bursts.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "libvideocall/media/session_receiver.h"
#include "tests/libvideocall/media/track_support.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

constexpr int64_t kLatencyUs = 100'000;
constexpr int64_t kDelayUs = 30'000;
constexpr int64_t kFrameUs = 33'000;
constexpr uint64_t kZero = 1'000'000'000;
constexpr uint64_t kGroupFrames = 10;

// Frame |sequence| of a stream with a key frame every kGroupFrames.
Sent video(uint64_t sequence, uint8_t layer = 0) {
  Sent sent;
  sent.layer = layer;
  sent.sequence = sequence;
  sent.group = 1 + sequence / kGroupFrames;
  sent.keyframe = sequence % kGroupFrames == 0;
  sent.capture_us = kZero + sequence * kFrameUs;
  sent.payload = std::to_string(layer) + ":" + std::to_string(sequence);
  return sent;
}

int64_t ideal_us(uint64_t sequence) {
  return static_cast<int64_t>(sequence) * kFrameUs + kDelayUs;
}

struct Viewer {
  explicit Viewer(int64_t latency_us = kLatencyUs,
                  ClockMap::Mode mode = ClockMap::Mode::live)
      : receiver(latency_us, mode) {}

  void take(int64_t now_us) {
    while (auto frame = receiver.pop(MediaKind::video, now_us)) {
      seen.push_back(std::move(*frame));
      seen_at.push_back(now_us);
    }
    if (auto request = receiver.take_keyframe_request(now_us))
      requests.push_back(*request);
  }
  void sleep_until(int64_t until_us) {
    for (;;) {
      const auto next = receiver.next_pop_us(MediaKind::video);
      if (!next || *next > until_us) return;
      const auto before = *next;
      take(*next);
      const auto after = receiver.next_pop_us(MediaKind::video);
      ck_assert_msg(!after || *after > before, "woke up for nothing");
    }
  }
  void see(const Sent& sent, int64_t now_us) {
    sleep_until(now_us);
    ck_assert(receiver.push(packet_of(sent), now_us) ==
              SessionReceiver::Outcome::accepted);
    take(now_us);
  }
  void see_live(uint64_t from, uint64_t to, uint8_t layer = 0) {
    for (uint64_t i = from; i <= to; ++i) see(video(i, layer), ideal_us(i));
  }
  std::vector<std::string> payloads() const {
    std::vector<std::string> out;
    for (const auto& frame : seen) out.push_back(as_text(frame.payload));
    return out;
  }
  const TrackStats& stats() const { return receiver.stats(MediaKind::video); }

  SessionReceiver receiver;
  std::vector<ReceivedFrame> seen;
  std::vector<int64_t> seen_at;
  std::vector<SessionReceiver::KeyframeRequest> requests;
};

}  // namespace

VC_TEST(in_order_frames_go_straight_through) {
  Viewer viewer;
  viewer.see_live(0, 59);
  ck_assert_uint_eq(viewer.seen.size(), 60);
  for (uint64_t i = 10; i < 60; ++i) {
    ck_assert_int_eq(viewer.seen_at[i], ideal_us(i));
    ck_assert_int_eq(viewer.seen[i].local_us, ideal_us(i));
    ck_assert(!viewer.seen[i].decode_only);
  }
  ck_assert(viewer.seen[0].discont);
  ck_assert(!viewer.seen[10].discont);
  ck_assert(viewer.requests.empty());
}

VC_TEST(waits_for_a_key_frame_and_asks_for_it) {
  Viewer viewer;
  viewer.see_live(3, 9);
  ck_assert_uint_eq(viewer.seen.size(), 0);
  ck_assert_uint_eq(viewer.requests.size(), 1);
  ck_assert_uint_eq(viewer.requests[0].session_id, 7);
  ck_assert(viewer.requests[0].kind == MediaKind::video);
  viewer.see_live(10, 29);
  ck_assert_uint_eq(viewer.seen.size(), 20);
  ck_assert_uint_eq(viewer.seen[0].sequence, 10);
}

VC_TEST(asks_again_while_nothing_comes_but_not_often) {
  Viewer viewer;
  for (uint64_t i = 1; i < 100; ++i) {
    Sent sent = video(i);
    sent.group = 1;
    sent.keyframe = false;
    viewer.see(sent, ideal_us(i));
  }
  // 3.3 seconds at one per 500 ms.
  ck_assert_uint_ge(viewer.requests.size(), 6);
  ck_assert_uint_le(viewer.requests.size(), 8);
}

VC_TEST(a_left_out_temporal_layer_holds_nothing_up) {
  Viewer viewer;
  for (uint64_t i = 0; i < 60; i += 2) viewer.see(video(i), ideal_us(i));
  viewer.sleep_until(ideal_us(70));
  ck_assert_uint_eq(viewer.seen.size(), 30);
  // Within groups at once; a group's start waits for the tail at most.
  for (uint64_t i = 0; i < 30; ++i) {
    if (i < 5 || i % 5 == 0) continue;
    ck_assert_int_le(viewer.seen_at[i], ideal_us(2 * i) + kLatencyUs);
  }
  ck_assert_uint_eq(viewer.stats().discarded, 0);
}

VC_TEST(a_group_that_was_reset_is_left_at_its_successors_deadline) {
  Viewer viewer;
  viewer.see_live(0, 14);  // 15 .. 19 are never sent
  viewer.see_live(20, 39);
  ck_assert_uint_eq(viewer.seen.size(), 35);
  ck_assert_uint_eq(viewer.seen[15].sequence, 20);
  ck_assert(viewer.seen[15].discont);
  ck_assert_int_eq(viewer.seen_at[15], ideal_us(20) + kLatencyUs);
  // After that it is as before.
  ck_assert_int_eq(viewer.seen_at[34], ideal_us(39));
}

VC_TEST(a_tail_that_comes_in_time_is_played) {
  Viewer viewer;
  viewer.see_live(0, 18);
  viewer.see_live(20, 21);
  ck_assert_uint_eq(viewer.seen.size(), 19);
  viewer.see(video(19), ideal_us(21) + 1'000);
  ck_assert_uint_eq(viewer.seen.size(), 22);
  ck_assert_uint_eq(viewer.seen[19].sequence, 19);
  viewer.see_live(22, 25);
  ck_assert_uint_eq(viewer.seen.size(), 26);
}

VC_TEST(without_latency_a_later_group_begins_at_once) {
  Viewer viewer(0);
  viewer.see_live(0, 14);
  viewer.see(video(20), ideal_us(20));
  ck_assert_uint_eq(viewer.seen.size(), 16);
  viewer.see(video(15), ideal_us(20));
  ck_assert_uint_eq(viewer.seen.size(), 16);
  ck_assert_uint_eq(viewer.stats().late, 1);
}

VC_TEST(no_delta_after_a_base_frame_that_came_too_late) {
  Viewer viewer;
  viewer.see_live(0, 3);
  viewer.see(video(5), ideal_us(5));  // passed on: a gap is no loss
  viewer.see(video(4), ideal_us(5));  // it was one
  viewer.see_live(6, 9);
  // 0-3 and 5; nothing more of the group.
  ck_assert_uint_eq(viewer.seen.size(), 5);
  ck_assert_uint_eq(viewer.requests.size(), 1);
  // From now on a gap waits.
  viewer.see_live(10, 12);
  viewer.see(video(14), ideal_us(14));
  viewer.see(video(13), ideal_us(14) + 5'000);
  viewer.see_live(15, 19);
  ck_assert_uint_eq(viewer.seen.size(), 15);
  for (uint64_t i = 10; i < 20; ++i)
    ck_assert_uint_eq(viewer.seen[i - 5].sequence, i);
}

VC_TEST(layers_change_at_a_key_frame_and_only_forward) {
  Viewer viewer;
  viewer.see_live(0, 14, 0);
  // The other layer's group in progress: nothing to decode yet.
  viewer.see(video(15, 1), ideal_us(15));
  ck_assert_uint_eq(viewer.seen.size(), 15);
  viewer.see(video(15, 0), ideal_us(15));
  viewer.see_live(20, 25, 1);
  ck_assert(as_text(viewer.seen[16].payload) == "1:20");
  ck_assert_int_eq(viewer.seen_at[16], ideal_us(20));
  // What is left of the old layer is late.
  viewer.see(video(16, 0), ideal_us(25));
  ck_assert(viewer.payloads().back() == "1:25");
}

VC_TEST(a_layer_that_starts_in_the_past_does_not_turn_back_the_picture) {
  Viewer viewer;
  viewer.see_live(0, 25, 0);
  // The cached group of layer 1, from its start 5 frames ago.
  for (uint64_t i = 20; i <= 27; ++i) viewer.see(video(i, 1), ideal_us(26));
  for (size_t i = 26; i < viewer.seen.size(); ++i) {
    const ReceivedFrame& frame = viewer.seen[i];
    ck_assert_uint_eq(frame.packet->fields().layer, 1);
    ck_assert_int_eq(frame.decode_only, frame.sequence <= 25);
  }
  ck_assert_uint_eq(viewer.seen.size(), 34);
}

// The relay stepped up and down again within one group of the lower layer.
VC_TEST(a_group_that_was_left_is_played_again_from_its_key_frame) {
  Viewer viewer;
  viewer.see_live(0, 4, 0);
  for (uint64_t i = 0; i <= 6; ++i) viewer.see(video(i, 1), ideal_us(6));
  // What is left of the old stream is late, as long as it is not begun anew.
  viewer.see(video(5, 0), ideal_us(6));
  ck_assert(viewer.payloads().back() == "1:6");
  for (uint64_t i = 0; i <= 8; ++i) viewer.see(video(i, 0), ideal_us(8));
  ck_assert(viewer.payloads().back() == "0:8");
  ck_assert_uint_eq(viewer.seen.size(), 5 + 7 + 9);
  ck_assert(viewer.seen[12].discont);
  for (size_t i = 12; i < viewer.seen.size(); ++i)
    ck_assert_int_eq(viewer.seen[i].decode_only, viewer.seen[i].sequence <= 6);
}

VC_TEST(of_a_burst_only_the_newest_200_ms_are_shown) {
  Viewer viewer;
  // A newcomer gets a cached group of 30 frames at once.
  int64_t now = ideal_us(29);
  for (uint64_t i = 0; i < 30; ++i) {
    Sent sent = video(i);
    sent.group = 1;
    sent.keyframe = i == 0;
    viewer.see(sent, now += 100);
  }
  viewer.sleep_until(now + kLatencyUs);
  ck_assert_uint_eq(viewer.seen.size(), 30);
  for (const ReceivedFrame& frame : viewer.seen)
    ck_assert_int_eq(frame.decode_only,
                     (29 - frame.sequence) * kFrameUs > 200'000);
  // The newest frame sets the clock, not the first one.
  ck_assert_int_eq(viewer.seen[29].local_us, now);
}

VC_TEST(a_sender_may_number_anew) {
  Viewer viewer;
  viewer.see_live(1000, 1024);
  for (uint64_t i = 0; i < 20; ++i) {
    Sent sent = video(i);
    sent.capture_us = kZero + (1100 + i) * kFrameUs;
    viewer.see(sent, ideal_us(1100 + i));
  }
  ck_assert_uint_eq(viewer.seen.back().sequence, 19);
  ck_assert_uint_eq(viewer.seen.size(), 25 + 20);
}

VC_TEST(an_old_key_frame_again_is_late) {
  Viewer viewer;
  viewer.see_live(0, 25);
  viewer.see(video(10), ideal_us(25));
  viewer.see(video(20), ideal_us(25));
  viewer.see_live(26, 29);
  ck_assert_uint_eq(viewer.seen.size(), 30);
  ck_assert_uint_eq(viewer.stats().late, 1);
  ck_assert_uint_eq(viewer.stats().duplicate, 1);
}

VC_TEST(another_session_starts_anew) {
  Viewer viewer;
  viewer.see_live(0, 15);
  Sent other = video(0);
  other.session_id = 8;
  other.capture_us = 5;
  viewer.see(other, ideal_us(16));
  viewer.sleep_until(ideal_us(16) + kLatencyUs);
  ck_assert_uint_eq(viewer.seen.size(), 17);
  ck_assert_int_eq(viewer.seen[16].local_us, ideal_us(16));
}

VC_TEST(encrypted_media_is_dropped) {
  Viewer viewer;
  Sent sent = video(0);
  sent.key_epoch = 3;
  ck_assert(viewer.receiver.push(packet_of(sent), 0) ==
            SessionReceiver::Outcome::encrypted);
  ck_assert_uint_eq(viewer.stats().received, 0);
}

VC_TEST(draining_waits_for_nothing) {
  Viewer viewer;
  viewer.receiver.push(packet_of(video(0)), 0);
  viewer.receiver.push(packet_of(video(1)), 0);
  viewer.receiver.push(packet_of(video(20)), 0);
  viewer.take(0);
  ck_assert_uint_eq(viewer.seen.size(), 0);
  viewer.receiver.drain();
  viewer.take(0);
  ck_assert_uint_eq(viewer.seen.size(), 3);
}

VC_TEST(nobody_who_takes_frames_costs_bounded_memory) {
  SessionReceiver receiver(kLatencyUs, ClockMap::Mode::live);
  for (uint64_t i = 0; i < 20'000; ++i) {
    Sent sent = video(i);
    sent.payload = std::string(5'000, 'x');
    receiver.push(packet_of(sent), ideal_us(i));
    ck_assert_uint_le(receiver.ready(MediaKind::video), 1'001);
  }
  auto frame = receiver.pop(MediaKind::video, ideal_us(20'000));
  ck_assert(frame.has_value());
  ck_assert(frame->header().keyframe);
  ck_assert(frame->discont);
}

// Streams as the contract has them: each group is a stream of its own, in
// order, delayed as a whole, and some are cut off. Nothing that can be
// decoded in time is missing, nothing else comes out.
VC_TEST(random_streams) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    struct Event {
      int64_t at;
      uint64_t sequence;
    };
    std::vector<Event> events;
    std::set<uint64_t> expected;
    for (uint64_t group = 0; group < 12; ++group) {
      const int64_t late = group == 0 ? 0 : random() % 60'000;
      const bool cut = random() % 4 == 0;
      const uint64_t length = cut ? 1 + random() % kGroupFrames : kGroupFrames;
      const bool thinned = random() % 3 == 0;
      for (uint64_t i = 0; i < length; ++i) {
        if (thinned && i % 2 == 1) continue;
        const uint64_t sequence = group * kGroupFrames + i;
        events.push_back({ideal_us(sequence) + late, sequence});
        expected.insert(sequence);
      }
    }
    std::stable_sort(
        events.begin(), events.end(),
        [](const Event& a, const Event& b) { return a.at < b.at; });
    Viewer viewer;
    for (const Event& event : events)
      viewer.see(video(event.sequence), event.at);
    viewer.sleep_until(ideal_us(200));
    uint64_t last = 0;
    for (size_t i = 0; i < viewer.seen.size(); ++i) {
      const uint64_t sequence = viewer.seen[i].sequence;
      ck_assert(i == 0 || sequence > last);
      last = sequence;
      ck_assert_uint_eq(expected.erase(sequence), 1);
    }
    ck_assert_msg(expected.empty(), "seed %u: %zu frames are missing", seed,
                  expected.size());
  }
}

// Networks that the contract does not promise: any order, loss, copies. What
// comes out still ascends, comes out once, and each group begins with its key
// frame.
VC_TEST(random_disorder) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::pair<int64_t, uint64_t>> events;
    for (uint64_t i = 0; i < 200; ++i) {
      if (random() % 100 < seed % 20) continue;
      for (unsigned copy = 0; copy < 1 + (random() % 8 == 0); ++copy)
        events.emplace_back(ideal_us(i) + random() % 150'000, i);
    }
    std::sort(events.begin(), events.end());
    Viewer viewer;
    for (const auto& [at, sequence] : events) viewer.see(video(sequence), at);
    // A last group ends all that still waits.
    viewer.see(video(1'000), ideal_us(1'000));
    viewer.sleep_until(ideal_us(1'010));
    uint64_t last = 0;
    uint64_t group = 0;
    for (size_t i = 0; i < viewer.seen.size(); ++i) {
      const ReceivedFrame& frame = viewer.seen[i];
      ck_assert(i == 0 || frame.sequence > last);
      last = frame.sequence;
      const MediaHeader& header = frame.header();
      ck_assert(header.group == group || header.keyframe);
      group = header.group;
    }
    const TrackStats& stats = viewer.stats();
    ck_assert_uint_eq(stats.received, events.size() + 1);
    ck_assert_uint_eq(
        stats.delivered + stats.late + stats.duplicate + stats.discarded,
        stats.received);
  }
}

VC_SUITE_MAIN("media/video_track")
