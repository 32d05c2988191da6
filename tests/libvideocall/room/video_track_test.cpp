// SPDX-License-Identifier: MIT
// One video and the steps of its viewers from layer to layer.
#include "libvideocall/room/video_track.h"

#include <map>
#include <random>

#include "tests/libvideocall/room/theatre.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::room;
using namespace videocall::room::testing;

namespace {

constexpr uint8_t kAllLayers[] = {0, 1, 2};
constexpr uint8_t kOuterLayers[] = {0, 2};
constexpr uint8_t kPattern[] = {2, 1, 2, 0};

Choice urgent(int layer, uint8_t temporal = limits::kMaxTemporalLayer,
              size_t burst_bytes = 0) {
  Choice made = choice(layer, temporal);
  made.urgent = true;
  made.burst_bytes = burst_bytes;
  return made;
}

std::vector<int> layers_of(const std::vector<PacketRef>& packets) {
  std::vector<int> layers;
  for (const PacketRef& packet : packets)
    layers.push_back(packet->fields().layer);
  return layers;
}

}  // namespace

VC_TEST(a_step_up_takes_the_cached_group) {
  Theatre theatre(1);
  for (const uint8_t layer : kAllLayers) theatre.send(layer, true);
  theatre.target(0, choice(0));
  theatre.taken(0);
  for (const uint8_t layer : kAllLayers) theatre.send(layer, false);
  ck_assert(layers_of(theatre.taken(0)) == std::vector<int>({0}));
  theatre.target(0, choice(2));
  const auto got = theatre.taken(0);
  ck_assert(layers_of(got) == std::vector<int>({2, 2}));
  ck_assert(got[0]->fields().header.keyframe);
  ck_assert(theatre.requests().empty());
  for (const uint8_t layer : kAllLayers) theatre.send(layer, false);
  ck_assert(layers_of(theatre.taken(0)) == std::vector<int>({2}));
}

VC_TEST(a_large_cached_group_is_waited_out_but_not_for_long) {
  Theatre theatre(1);
  theatre.streams[2].bytes = limits::kMaxSwitchBurstBytes;
  for (const uint8_t layer : kAllLayers) theatre.send(layer, true);
  theatre.target(0, choice(0));
  theatre.taken(0);
  theatre.target(0, choice(2));
  ck_assert(theatre.taken(0).empty());
  ck_assert(theatre.requests().empty());
  theatre.now += 3s;  // its key frame is old: a new one is asked for, once
  theatre.send(0, false);
  theatre.target(0, choice(2));
  theatre.target(0, choice(2));
  ck_assert(theatre.requests() == std::vector<int>({2}));
  ck_assert(theatre.requests().empty());
  theatre.send(2, true);
  theatre.send(0, false);
  ck_assert(layers_of(theatre.taken(0)) == std::vector<int>({0, 2}));
}

VC_TEST(an_urgent_step_down_thins_at_once_and_asks_for_the_key_frame) {
  Theatre theatre(2);
  for (const uint8_t layer : kAllLayers) theatre.send(layer, true);
  theatre.target(0, choice(2));
  theatre.target(1, choice(2));
  theatre.send(2, true);
  theatre.taken(0);
  theatre.target(0, urgent(0));
  ck_assert(theatre.requests() == std::vector<int>({0}));
  theatre.send(2, false, 1);  // an upper temporal layer
  ck_assert(theatre.taken(0).empty());
  theatre.send(2, false, 0);  // the base goes on: no freeze meanwhile
  ck_assert_uint_eq(theatre.taken(0).size(), 1);
  theatre.send(0, true);
  theatre.send(2, false, 0);
  ck_assert(layers_of(theatre.taken(0)) == std::vector<int>({0}));
  // The other viewer missed nothing.
  ck_assert_uint_eq(layers_of(theatre.taken(1)).size(), 5);
}

VC_TEST(an_urgent_step_down_takes_a_small_cached_group) {
  Theatre theatre(1);
  for (const uint8_t layer : kOuterLayers) theatre.send(layer, true);
  theatre.target(0, choice(2));
  theatre.send(2, true);
  theatre.send(0, false, 1);
  theatre.send(0, false, 0);
  theatre.taken(0);
  theatre.target(0, urgent(0, limits::kMaxTemporalLayer, 1'000));
  // Of a full link's cached group the base alone.
  ck_assert_uint_eq(theatre.taken(0).size(), 2);
  theatre.send(0, false, 1);
  ck_assert(theatre.taken(0).empty());
  theatre.send(0, true);
  theatre.send(0, false, 1);
  ck_assert_uint_eq(theatre.taken(0).size(), 2);
}

VC_TEST(who_leaves_a_layer_in_need_gets_no_other_group_of_it) {
  Theatre theatre(1);
  for (const uint8_t layer : kOuterLayers) theatre.send(layer, true);
  theatre.target(0, choice(2));
  theatre.send(2, true);
  theatre.taken(0);
  theatre.target(0, urgent(0));
  theatre.send(2, true);
  theatre.send(2, false);
  ck_assert(theatre.taken(0).empty());
  theatre.send(0, true);
  ck_assert(layers_of(theatre.taken(0)) == std::vector<int>({0}));
}

VC_TEST(a_step_down_that_nobody_presses_waits_for_the_next_group) {
  Theatre theatre(1);
  for (const uint8_t layer : kOuterLayers) theatre.send(layer, true);
  theatre.target(0, choice(2));
  theatre.send(2, true);
  theatre.taken(0);
  theatre.target(0, choice(0));
  theatre.send(2, false, 1);
  theatre.send(2, true);
  ck_assert(layers_of(theatre.taken(0)) == std::vector<int>({2, 2}));
  ck_assert(theatre.requests().empty());
  theatre.send(0, true);
  theatre.send(2, false);
  ck_assert(layers_of(theatre.taken(0)) == std::vector<int>({0}));
}

VC_TEST(temporal_layers_sink_at_once_and_rise_with_a_key_frame) {
  Theatre theatre(2);
  theatre.send(0, true);
  theatre.target(0, choice(0));
  theatre.target(1, choice(0));
  theatre.taken(0);
  theatre.taken(1);
  const auto run = [&] {
    for (const uint8_t temporal : kPattern) theatre.send(0, false, temporal);
    return theatre.taken(0).size();
  };
  ck_assert_uint_eq(run(), 4);
  theatre.target(0, choice(0, 1));
  ck_assert_uint_eq(run(), 2);
  theatre.target(0, choice(0, 0));
  ck_assert_uint_eq(run(), 1);
  theatre.target(0, choice(0));
  ck_assert_uint_eq(run(), 1);
  theatre.send(0, true);
  theatre.taken(0);
  ck_assert_uint_eq(run(), 4);
  ck_assert_uint_eq(theatre.taken(1).size(), 21);
}

VC_TEST(what_follows_a_lost_packet_is_dropped_until_the_next_key_frame) {
  Theatre theatre(1);
  theatre.send(0, true);
  theatre.target(0, choice(0));
  theatre.taken(0);
  theatre.skip(0);
  theatre.track.cut(0);
  theatre.send(0, false);
  ck_assert(theatre.taken(0).empty());
  ck_assert(theatre.requests() == std::vector<int>({0}));
  theatre.send(0, true);
  theatre.send(0, false);
  ck_assert_uint_eq(theatre.taken(0).size(), 2);
}

namespace {

// Temporal layers of what was sent, by layer and sequence.
using Sent = std::map<std::pair<int, uint64_t>, uint8_t>;

// What a viewer has seen of a picture.
struct Watched {
  bool started = false;
  int layer = kNoLayer;
  uint64_t group = 0;
  uint64_t last = 0;
  uint8_t reach = 0;    // the highest temporal layer without a gap
  size_t switches = 0;  // to another layer

  // Looks at the next packet: it can be decoded.
  void see(const PacketFields& fields, const Sent& sent) {
    const MediaHeader& header = fields.header;
    if (header.keyframe) {
      switches += layer != fields.layer;
      started = true;
      layer = fields.layer;
      group = header.group;
      reach = limits::kMaxTemporalLayer;
      last = header.sequence;
      return;
    }
    ck_assert_msg(started, "a delta frame before a key frame");
    ck_assert_msg(layer == fields.layer, "two layers mixed");
    ck_assert_msg(group == header.group, "another key frame's");
    ck_assert_msg(header.sequence > last, "out of order");
    for (uint64_t i = last + 1; i < header.sequence; ++i) {
      const uint8_t left_out = sent.at({fields.layer, i});
      ck_assert_msg(left_out > 0, "a base frame left out");
      reach = std::min<uint8_t>(reach, static_cast<uint8_t>(left_out - 1));
    }
    ck_assert_msg(header.temporal_id <= reach,
                  "a temporal layer came back within a group");
    last = header.sequence;
  }
};

}  // namespace

// Whatever is chosen whenever: what a viewer gets can be decoded.
VC_TEST(random_choices_never_tear_a_picture) {
  std::mt19937_64 random(7);
  const auto pick = [&](uint64_t below) { return random() % below; };
  size_t frames = 0;
  size_t switches = 0;
  for (int round = 0; round < 60; ++round) {
    Theatre theatre(6);
    std::array<Watched, 6> watched{};
    Sent sent;
    for (int step = 0; step < 800; ++step) {
      theatre.now += 10ms;
      const auto layer = static_cast<uint8_t>(pick(3));
      const bool key = pick(20) == 0;
      const auto temporal = static_cast<uint8_t>(key ? 0 : pick(3));
      sent[{layer, theatre.streams[layer].sequence + 1}] = temporal;
      theatre.send(layer, key, temporal);
      if (pick(5) == 0) {
        Choice wish = choice(static_cast<int>(pick(4)) - 1,
                             static_cast<uint8_t>(pick(4)));
        wish.urgent = pick(3) == 0;
        wish.burst_bytes = pick(2) * 2'000;
        theatre.target(static_cast<uint32_t>(pick(6)), wish);
      }
      if (pick(50) == 0) theatre.track.drop(static_cast<uint32_t>(pick(6)));
      theatre.requests();
      for (size_t seat = 0; seat < watched.size(); ++seat) {
        for (const PacketRef& packet : theatre.taken(seat)) {
          watched[seat].see(packet->fields(), sent);
          ++frames;
        }
      }
    }
    for (const Watched& seen : watched) switches += seen.switches;
  }
  ck_assert_uint_gt(frames, 10'000);
  ck_assert_uint_gt(switches, 1'000);
}

VC_SUITE_MAIN("room/video_track")
