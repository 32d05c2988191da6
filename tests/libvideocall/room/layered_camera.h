// SPDX-License-Identifier: MIT
// A member of a room that sends a picture in three sizes, and sound.
#pragma once

#include <array>

#include "tests/libvideocall/room/world.h"

namespace videocall::room::testing {

// Three layers of 150 kbit/s, 500 kbit/s and 1.5 Mbit/s, L1T3, and audio; it
// heeds LAYER_HINT and KEYFRAME_REQUEST.
class LayeredCamera {
 public:
  static constexpr auto kStep = 10ms;  // of time, between two calls of step()

  LayeredCamera(World& world, Client& client) : world_(world), client_(client) {
    for (uint8_t i = 0; i < 3; ++i)
      layers_[i].stream = {.layer = i, .height = 180u << i};
  }

  void step(int tick) {
    listen();
    if (tick % 2 == 0 && !mute)
      world_.send_audio(client_, 20, ++audio_sent, audio_bytes);
    if (tick % kStepsPerFrame != 0) return;
    constexpr size_t kBytes[] = {500, 1'700, 5'200};
    constexpr uint8_t kPattern[] = {0, 2, 1, 2};
    for (size_t i = 0; i < 3; ++i) {
      Layer& layer = layers_[i];
      if (!layer.on || layer.gone) continue;
      const bool key = layer.frame % kFramesPerGroup == 0;
      layer.stream.bytes = key ? 6 * kBytes[i] : kBytes[i];
      const auto temporal = key ? uint8_t{0} : kPattern[layer.frame % 4];
      world_.send_frame(client_, layer.stream, key, temporal);
      ++layer.frame;
    }
  }

  // Has but this one layer from now on.
  void keep_only(size_t layer) {
    for (size_t i = 0; i < 3; ++i) layers_[i].gone = i != layer;
  }

  bool mute = false;
  size_t audio_bytes = 0;  // of a packet, fifty of them a second
  uint64_t audio_sent = 0;
  size_t requests = 0;

 private:
  static constexpr int kStepsPerFrame = 3;  // 33 frames a second
  static constexpr int kFramesPerGroup = 66;

  struct Layer {
    World::Stream stream;
    bool on = true;
    bool gone = false;
    int frame = 0;
  };

  void listen() {
    for (const PacketRef& packet : client_.take()) {
      const Bytes data = packet->fields().data;
      if (packet->fields().type == PacketType::keyframe_request) {
        proto::KeyframeRequest request;
        ck_assert(request.ParseFromString(text_of(data)));
        layers_[request.layer()].frame = 0;
        ++requests;
      } else if (packet->fields().type == PacketType::layer_hint) {
        proto::LayerHint hint;
        ck_assert(hint.ParseFromString(text_of(data)));
        std::array<bool, 3> wanted{};
        for (const uint32_t layer : hint.entries(0).requested_layers())
          wanted[layer] = true;
        for (size_t i = 0; i < 3; ++i) {
          if (wanted[i] && !layers_[i].on) layers_[i].frame = 0;
          layers_[i].on = wanted[i];
        }
      }
    }
  }

  World& world_;
  Client& client_;
  std::array<Layer, 3> layers_;
};

}  // namespace videocall::room::testing
