// SPDX-License-Identifier: MIT
// Packets for tests.
#pragma once

#include <vector>

#include "libvideocall/wire/packet.h"

namespace videocall::testing {

struct MediaSpec {
  MediaKind kind = MediaKind::video;
  uint64_t session = 1;
  uint8_t layer = 0;
  uint64_t group = 1;
  uint64_t sequence = 1;
  bool keyframe = false;
  uint8_t temporal_id = 0;
  size_t size = 1'000;  // of data
};

inline PacketRef media(const MediaSpec& spec) {
  const std::vector<uint8_t> data(spec.size, 0xda);
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = spec.kind;
  fields.session_id = spec.session;
  fields.layer = spec.layer;
  fields.data = data;
  fields.header.group = spec.group;
  fields.header.sequence = spec.sequence;
  fields.header.keyframe = spec.keyframe;
  fields.header.temporal_id = spec.temporal_id;
  return std::move(*Packet::build(fields));
}

inline PacketRef control(PacketType type, size_t size = 10) {
  const std::vector<uint8_t> data(size, 0xc0);
  PacketFields fields;
  fields.type = type;
  fields.data = data;
  return std::move(*Packet::build(fields));
}

}  // namespace videocall::testing
