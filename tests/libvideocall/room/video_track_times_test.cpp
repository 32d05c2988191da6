// SPDX-License-Identifier: MIT
// How long a video waits for what: to the moment, and one beyond it.
#include "tests/libvideocall/room/theatre.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

constexpr uint8_t kAllLayers[] = {0, 1, 2};
constexpr MediaKind kKinds[] = {MediaKind::video, MediaKind::screen};
constexpr Duration kMoment = 1ns;

// Layers 0 and 1 of one picture, of which layer 1 stops.
struct Stall : Theatre {
  explicit Stall(MediaKind kind) : Theatre(1, kind) {
    send(0, true);
    send(1, true);
  }
  // After |pause| another frame of layer |layer|: whether layer 1 is chosen.
  bool lives(uint8_t layer, Duration pause) {
    now += pause;
    send(layer, false);
    return track.layers()[1].live;
  }
};

}  // namespace

VC_TEST(a_layer_is_given_up_after_a_silence) {
  for (const MediaKind kind : kKinds) {
    Theatre theatre(1, kind);
    theatre.send(0, true);
    theatre.now += kind == MediaKind::screen
                       ? Duration(limits::kScreenLayerSilence)
                       : Duration(limits::kCameraLayerSilence);
    ck_assert(!theatre.track.sweep(theatre.now));
    ck_assert(theatre.track.layers()[0].live);
    ck_assert(theatre.track.sweep(theatre.now + kMoment));
    ck_assert(!theatre.track.layers()[0].live);
  }
}

VC_TEST(a_layer_has_stalled_when_others_flowed_for_so_long) {
  for (const MediaKind kind : kKinds) {
    const Duration patience = kind == MediaKind::screen
                                  ? Duration(limits::kScreenLayerStall)
                                  : Duration(limits::kCameraLayerStall);
    const Duration step = patience / 20;
    ck_assert(step < limits::kMaxStallStep);
    Stall stall(kind);
    for (int i = 1; i < 20; ++i) ck_assert(stall.lives(0, step));
    ck_assert(stall.lives(0, step - kMoment));
    ck_assert(!stall.lives(0, kMoment));
  }
}

VC_TEST(a_layer_has_stalled_when_others_brought_so_many_frames) {
  constexpr Duration kStep = limits::kMaxStallStep;
  ck_assert((limits::kMinStallFrames - 1) * kStep >= limits::kCameraLayerStall);
  Stall stall(MediaKind::video);
  for (unsigned i = 1; i < limits::kMinStallFrames; ++i)
    ck_assert(stall.lives(0, kStep));
  ck_assert(!stall.lives(0, kStep));
}

VC_TEST(a_long_pause_between_two_frames_counts_for_little) {
  constexpr auto kFrames = limits::kScreenLayerStall / limits::kMaxStallStep;
  ck_assert(kFrames > limits::kMinStallFrames);
  Stall stall(MediaKind::screen);
  for (int i = 1; i < kFrames; ++i)
    ck_assert(stall.lives(0, 10 * limits::kMaxStallStep));
  ck_assert(!stall.lives(0, 10 * limits::kMaxStallStep));
}

VC_TEST(a_layer_is_back_when_it_flowed_for_so_long) {
  Stall stall(MediaKind::video);
  while (stall.lives(0, limits::kMaxStallStep)) {
  }
  // The pause before it counts up to here.
  Duration flowed = limits::kMaxStallStep;
  ck_assert(!stall.lives(1, 0ms));
  const Duration step = (limits::kLayerReturn - flowed) / 10;
  ck_assert(step <= limits::kMaxStallStep);
  for (int i = 1; i < 10; ++i) ck_assert(!stall.lives(1, step));
  ck_assert(!stall.lives(1, step - kMoment));
  ck_assert(stall.lives(1, kMoment));
}

VC_TEST(who_waits_for_a_higher_layer_has_patience) {
  Theatre theatre(1);
  theatre.streams[2].bytes = limits::kMaxSwitchBurstBytes;
  for (const uint8_t layer : kAllLayers) theatre.send(layer, true);
  theatre.target(0, choice(0));
  const auto asks_at = [&](Time now) {
    theatre.now = now;
    theatre.target(0, choice(2));
    return theatre.requests() == std::vector<int>({2});
  };
  const Time patient = theatre.now + limits::kStepUpPatience;
  ck_assert(!asks_at(patient));
  ck_assert(asks_at(patient + kMoment));
}

VC_TEST(a_layer_is_hinted_off_when_nobody_wanted_it_for_so_long) {
  Theatre theatre(1);
  for (const uint8_t layer : kAllLayers) theatre.send(layer, true);
  theatre.target(0, choice(0));
  ck_assert(!theatre.track.next_hint(false, theatre.now));
  theatre.now += limits::kLayerHintHold;
  ck_assert(!theatre.track.next_hint(false, theatre.now - kMoment));
  ck_assert(theatre.track.next_hint(false, theatre.now) == LayerDemand::bit(0));
}

VC_TEST(the_cached_group_of_a_layer_that_was_hinted_off_serves_for_a_while) {
  const auto serves_after = [](Duration silence) {
    Theatre theatre(1);
    for (const uint8_t layer : kAllLayers) theatre.send(layer, true);
    theatre.target(0, choice(0));
    theatre.track.next_hint(false, theatre.now);
    theatre.now += limits::kLayerHintHold;
    theatre.send(2, false);
    ck_assert(theatre.track.next_hint(false, theatre.now));
    theatre.now += silence;
    theatre.taken(0);
    theatre.target(0, choice(2));
    const bool served = !theatre.taken(0).empty();
    // Wanted again, it is told so; what nobody is to see is not kept.
    const size_t before = theatre.track.cached_bytes();
    ck_assert(theatre.track.next_hint(false, theatre.now));
    ck_assert(served == (theatre.track.cached_bytes() == before));
    return served;
  };
  ck_assert(serves_after(limits::kStaleGroup));
  ck_assert(!serves_after(limits::kStaleGroup + kMoment));
}

VC_TEST(a_sender_that_counts_anew_is_taken_after_a_silence) {
  Theatre theatre(1);
  theatre.streams[0].group = 5;
  theatre.send(0, true);
  World::Stream anew{.layer = 0};
  const PacketRef packet = World::frame(anew, true);
  const auto verdict_at = [&](Time now) {
    bool changed = false;
    return theatre.track.meet(packet->fields(), now, changed);
  };
  const Time silent = theatre.now + limits::kGroupRestartSilence;
  ck_assert(verdict_at(silent) == VideoTrack::Verdict::late);
  ck_assert(verdict_at(silent + kMoment) == VideoTrack::Verdict::accepted);
}

VC_SUITE_MAIN("room/video_track_times")
