// SPDX-License-Identifier: MIT
// Audio through the receiver: loss, reordering, redundancy, pauses.
#include <algorithm>
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
constexpr uint64_t kZero = 1'000'000'000;

std::string payload_of(uint64_t sequence) {
  return "frame " + std::to_string(sequence);
}

Sent audio(uint64_t sequence, bool redundant = true) {
  Sent sent;
  sent.kind = MediaKind::audio;
  sent.sequence = sequence;
  sent.capture_us = kZero + sequence * 20'000;
  sent.payload = payload_of(sequence);
  if (redundant) {
    for (uint64_t i = 1; i <= 2 && i < sequence; ++i)
      sent.redundant.push_back(payload_of(sequence - i));
  }
  return sent;
}

// Local time at which the frame comes on an idle network.
int64_t ideal_us(uint64_t sequence) {
  return static_cast<int64_t>(sequence) * 20'000 + kDelayUs;
}

struct Listener {
  SessionReceiver receiver{kLatencyUs, ClockMap::Mode::live};
  std::vector<ReceivedFrame> heard;
  std::vector<int64_t> heard_at;

  void take(int64_t now_us) {
    while (auto frame = receiver.pop(MediaKind::audio, now_us)) {
      heard.push_back(std::move(*frame));
      heard_at.push_back(now_us);
    }
  }
  // Takes what comes out until |until_us|, waking up only when told to.
  void sleep_until(int64_t until_us) {
    for (;;) {
      const auto next = receiver.next_pop_us(MediaKind::audio);
      if (!next || *next > until_us) return;
      const size_t before = heard.size();
      take(*next);
      ck_assert_msg(heard.size() > before, "woke up for nothing");
    }
  }
  void hear(const Sent& sent, int64_t now_us) {
    sleep_until(now_us);
    ck_assert(receiver.push(packet_of(sent), now_us) ==
              SessionReceiver::Outcome::accepted);
    take(now_us);
  }
  std::vector<uint64_t> sequences() const {
    std::vector<uint64_t> out;
    for (const auto& frame : heard) out.push_back(frame.sequence);
    return out;
  }
};

}  // namespace

VC_TEST(starts_after_the_latency_and_then_waits_no_more) {
  Listener listener;
  for (uint64_t i = 1; i <= 50; ++i) listener.hear(audio(i), ideal_us(i));
  ck_assert_uint_eq(listener.heard.size(), 50);
  ck_assert_int_eq(listener.heard_at[0], ideal_us(1) + kLatencyUs);
  for (uint64_t i = 10; i <= 50; ++i) {
    ck_assert_int_eq(listener.heard_at[i - 1], ideal_us(i));
    ck_assert_int_eq(listener.heard[i - 1].local_us, ideal_us(i));
  }
  ck_assert(listener.heard[0].discont);
  ck_assert(!listener.heard[1].discont);
}

VC_TEST(lost_frames_come_back_from_redundancy) {
  Listener listener;
  for (uint64_t i = 1; i <= 60; ++i) {
    if (i % 10 == 5 || i % 10 == 6) continue;  // two in a row
    listener.hear(audio(i), ideal_us(i));
  }
  ck_assert_uint_eq(listener.heard.size(), 60);
  for (uint64_t i = 1; i <= 60; ++i) {
    const ReceivedFrame& frame = listener.heard[i - 1];
    ck_assert_uint_eq(frame.sequence, i);
    ck_assert(as_text(frame.payload) == payload_of(i));
    ck_assert_uint_eq(frame.capture_us, kZero + i * 20'000);
  }
  const TrackStats& stats = listener.receiver.stats(MediaKind::audio);
  ck_assert_uint_eq(stats.recovered, 12);
  ck_assert_uint_eq(stats.lost, 0);
}

VC_TEST(a_gap_that_nothing_fills_is_passed_in_time) {
  Listener listener;
  for (uint64_t i = 1; i <= 20; ++i)
    listener.hear(audio(i, false), ideal_us(i));
  // 21 is lost, and nothing repeats it.
  for (uint64_t i = 22; i <= 40; ++i)
    listener.hear(audio(i, false), ideal_us(i));
  ck_assert_uint_eq(listener.heard.size(), 39);
  const ReceivedFrame& next = listener.heard[20];
  ck_assert_uint_eq(next.sequence, 22);
  ck_assert_uint_eq(next.missing, 1);
  ck_assert(next.discont);
  // Until then the lost frame could have been played; not a moment longer.
  ck_assert_int_eq(listener.heard_at[20], ideal_us(21) + kLatencyUs);
  ck_assert_uint_eq(listener.receiver.stats(MediaKind::audio).lost, 1);
}

VC_TEST(a_frame_that_comes_late_but_in_time_is_put_in_its_place) {
  Listener listener;
  for (uint64_t i = 1; i <= 20; ++i)
    listener.hear(audio(i, false), ideal_us(i));
  listener.hear(audio(22, false), ideal_us(22));
  listener.hear(audio(23, false), ideal_us(23));
  listener.hear(audio(21, false), ideal_us(21) + 60'000);
  ck_assert_uint_eq(listener.heard.size(), 23);
  ck_assert_uint_eq(listener.heard[20].sequence, 21);
  listener.hear(audio(21, false), ideal_us(24));
  listener.hear(audio(3, false), ideal_us(24));
  ck_assert_uint_eq(listener.heard.size(), 23);
  const TrackStats& stats = listener.receiver.stats(MediaKind::audio);
  ck_assert_uint_eq(stats.duplicate, 2);
  ck_assert_uint_eq(stats.late, 0);
}

VC_TEST(a_pause_is_no_loss) {
  Listener listener;
  for (uint64_t i = 1; i <= 20; ++i) listener.hear(audio(i), ideal_us(i));
  // Muted for a second: numbers go on, capture times jump.
  Sent next = audio(21, false);
  next.capture_us += 1'000'000;
  listener.hear(next, ideal_us(21) + 1'000'000);
  ck_assert_uint_eq(listener.heard.size(), 21);
  ck_assert_uint_eq(listener.heard[20].missing, 0);
  ck_assert_int_eq(listener.heard[20].local_us, ideal_us(21) + 1'000'000);
  ck_assert_uint_eq(listener.receiver.stats(MediaKind::audio).lost, 0);
}

VC_TEST(a_sender_may_number_anew) {
  Listener listener;
  for (uint64_t i = 1000; i <= 1020; ++i) listener.hear(audio(i), ideal_us(i));
  for (uint64_t i = 1; i <= 20; ++i) {
    Sent sent = audio(i);
    sent.capture_us = kZero + (1100 + i) * 20'000;
    listener.hear(sent, ideal_us(1100 + i));
  }
  listener.sleep_until(ideal_us(1200));
  ck_assert_uint_eq(listener.heard.size(), 41);
  ck_assert_uint_eq(listener.receiver.stats(MediaKind::audio).lost, 0);
}

VC_TEST(other_codecs_and_giants_are_dropped) {
  SessionReceiver receiver(kLatencyUs, ClockMap::Mode::live);
  Sent sent = audio(1);
  sent.codec = "flac";
  ck_assert(receiver.push(packet_of(sent), 0) ==
            SessionReceiver::Outcome::unknown);
  sent = audio(1);
  sent.payload = std::string(limits::kMaxAudioPacketBytes, 'x');
  ck_assert(receiver.push(packet_of(sent), 0) ==
            SessionReceiver::Outcome::malformed);
}

namespace {

constexpr uint64_t kSent = 300;

struct Arrival {
  int64_t at;
  uint64_t sequence;
};

// Of |kSent| packets over a network that loses, delays and doubles some, but
// none of the first five; in the order in which they come.
std::vector<Arrival> send_over_network(std::mt19937& random) {
  const auto loss = random() % 30;  // percent
  const int64_t jitter_us = random() % 90'000;
  std::vector<Arrival> arrivals;
  for (uint64_t i = 1; i <= kSent; ++i) {
    if (i > 5 && random() % 100 < loss) continue;
    const int copies = random() % 10 == 0 ? 2 : 1;
    for (int c = 0; c < copies; ++c) {
      const int64_t late =
          i <= 5 ? 0 : static_cast<int64_t>(random() % (jitter_us + 1));
      arrivals.push_back({ideal_us(i) + late, i});
    }
  }
  std::stable_sort(
      arrivals.begin(), arrivals.end(),
      [](const Arrival& a, const Arrival& b) { return a.at < b.at; });
  return arrivals;
}

}  // namespace

// Whatever a network does: what comes out is in order, comes out once, says
// the right thing, and nothing that the redundancy holds is lost.
VC_TEST(random_networks) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const std::vector<Arrival> sent = send_over_network(random);
    std::vector<bool> arrives(kSent + 2, false);
    std::set<int64_t> arrivals;
    for (const Arrival& arrival : sent) {
      arrives[arrival.sequence] = true;
      arrivals.insert(arrival.at);
    }
    Listener listener;
    for (const Arrival& arrival : sent)
      listener.hear(audio(arrival.sequence), arrival.at);
    listener.sleep_until(ideal_us(400));
    uint64_t last = 0;
    std::vector<bool> heard(kSent + 2, false);
    for (size_t i = 0; i < listener.heard.size(); ++i) {
      const ReceivedFrame& frame = listener.heard[i];
      ck_assert_uint_gt(frame.sequence, last);
      last = frame.sequence;
      heard[last] = true;
      ck_assert(as_text(frame.payload) == payload_of(last));
      // A frame that is there is never kept beyond its deadline; only what
      // comes that late itself goes out when it comes.
      const bool on_arrival = arrivals.contains(listener.heard_at[i]);
      ck_assert(on_arrival ||
                listener.heard_at[i] <= frame.local_us + kLatencyUs);
    }
    for (uint64_t i = 1; i <= kSent; ++i) {
      if (arrives[i])
        ck_assert_msg(heard[i], "seed %u: %u came and was not heard", seed,
                      unsigned(i));
    }
    const TrackStats& stats = listener.receiver.stats(MediaKind::audio);
    ck_assert_uint_eq(stats.delivered, listener.heard.size());
  }
}

VC_SUITE_MAIN("media/audio_track")
