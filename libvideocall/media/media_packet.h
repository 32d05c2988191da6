// SPDX-License-Identifier: MIT
// What `data` of a MEDIA packet holds: one encoded frame, and on audio the
// frames before it (MediaPacket in proto/media.proto). Only the fields that
// the contract asks for are read and written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/wire/packet.h"

namespace videocall {

struct MediaPacketFields {
  MediaKind kind = MediaKind::unspecified;
  Bytes payload;             // one encoded frame
  uint64_t duration_us = 0;  // 0: not known
  // redundant[i] is exactly 20 * (i + 1) ms and i + 1 sequences earlier.
  std::array<Bytes, limits::kMaxRedundantFrames> redundant;
  size_t redundant_count = 0;
};

// Reads a serialized MediaPacket. The views of the result are borrowed from
// |data|. Redundant frames above the limit are left out. Fails with
// Errc::protocol on bytes that are no MediaPacket.
VIDEOCALL_API Result<MediaPacketFields> parse_media_packet(Bytes data);

// The serialized MediaPacket.
VIDEOCALL_API std::vector<uint8_t> serialize_media_packet(
    const MediaPacketFields& fields);

}  // namespace videocall
