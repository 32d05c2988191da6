// SPDX-License-Identifier: MIT
// Packets of a made-up sender, for tests of the receiving side.
#pragma once

#include <check.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libvideocall/media/media_packet.h"
#include "libvideocall/wire/packet.h"

namespace videocall::testing {

inline Bytes as_bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline std::string as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Sent {
  MediaKind kind = MediaKind::video;
  uint8_t layer = 0;
  uint64_t group = 1;
  uint64_t sequence = 1;
  uint64_t capture_us = 0;
  bool keyframe = false;
  uint8_t temporal_id = 0;
  std::string payload = "frame";
  std::vector<std::string> redundant;
  uint64_t session_id = 7;
  uint32_t key_epoch = 0;
  std::string codec;
};

inline PacketRef packet_of(const Sent& sent) {
  MediaPacketFields media;
  media.kind = sent.kind;
  media.payload = as_bytes(sent.payload);
  for (const std::string& frame : sent.redundant)
    media.redundant[media.redundant_count++] = as_bytes(frame);
  const auto data = serialize_media_packet(media);
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = sent.kind;
  fields.layer = sent.layer;
  fields.session_id = sent.session_id;
  fields.data = data;
  fields.header.group = sent.group;
  fields.header.sequence = sent.sequence;
  fields.header.capture_us = sent.capture_us;
  fields.header.keyframe = sent.keyframe;
  fields.header.temporal_id = sent.temporal_id;
  fields.header.key_epoch = sent.key_epoch;
  fields.header.codec = sent.codec;
  if (sent.keyframe && sent.kind != MediaKind::audio) {
    if (sent.codec.empty()) fields.header.codec = "vp8";
    fields.header.width = 640;
    fields.header.height = 360;
  }
  auto packet = Packet::build(fields);
  ck_assert(packet.ok());
  return std::move(*packet);
}

}  // namespace videocall::testing
