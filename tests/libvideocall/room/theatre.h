// SPDX-License-Identifier: MIT
// One video between its sender and some viewers, without a room around them.
#pragma once

#include <array>
#include <utility>
#include <vector>

#include "libvideocall/room/video_track.h"
#include "tests/libvideocall/room/world.h"

namespace videocall::room::testing {

inline Choice choice(int layer, uint8_t temporal = limits::kMaxTemporalLayer) {
  Choice made;
  made.layer = layer;
  made.temporal = temporal;
  return made;
}

// A track with three layers and some viewers, and what each was sent.
class Theatre {
 public:
  explicit Theatre(size_t viewers, MediaKind kind = MediaKind::video)
      : track(kind, seats_) {
    for (uint32_t i = 0; i < viewers; ++i) {
      const SessionHandle handle{1, 0, i, 1};
      seats_.push_back({handle, Recipients::make({handle})});
    }
    seen.resize(viewers);
    for (uint8_t i = 0; i < kLayers; ++i)
      streams[i] = {
          .kind = kind, .layer = i, .height = 180u << i, .bytes = 100u << i};
  }

  void send(uint8_t layer, bool keyframe, uint8_t temporal = 0) {
    const PacketRef packet = World::frame(streams[layer], keyframe, temporal);
    bool changed = false;
    if (track.meet(packet->fields(), now, changed) !=
        VideoTrack::Verdict::accepted)
      return;
    Output out;
    track.add(packet, now, out);
    take(out);
  }
  // Loses a packet of the sender.
  void skip(uint8_t layer) { World::frame(streams[layer], false, 0); }

  void target(uint32_t seat, const Choice& wish) {
    Output out;
    track.set_target(seat, wish, now, out);
    take(out);
  }
  std::vector<PacketRef> taken(size_t seat) {
    return std::exchange(seen[seat], {});
  }
  std::vector<int> requests() {
    std::vector<int> layers;
    while (const auto layer = track.next_request(now)) layers.push_back(*layer);
    return layers;
  }

 private:
  void take(const Output& out) {
    for (const Delivery& delivery : out.deliveries)
      for (const SessionHandle& to : delivery.to->sessions)
        seen[to.slot].push_back(delivery.packet);
  }

  Seats seats_;

 public:
  VideoTrack track;
  std::array<World::Stream, kLayers> streams;
  std::vector<std::vector<PacketRef>> seen;
  Time now = Time(1000s);
};

}  // namespace videocall::room::testing
