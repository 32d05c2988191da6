// SPDX-License-Identifier: MIT
// What a publisher of the load test writes behind each packet's media, so that
// a viewer knows when it was sent and what came before. It is a field of
// MediaPacket that nobody else knows (number 1000), so real clients play the
// media all the same:
//
//   | ... MediaPacket | tag, 2 B | length, 1 B | magic | publisher | index |
//   | sent_ns | bytes_before |      all little-endian, 32 bytes
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libvideocall/wire/packet.h"

namespace videocall::loadtest {

struct Stamp {
  uint32_t publisher = 0;     // number within the whole test
  uint32_t index = 0;         // in its group; audio: 0
  uint64_t sent_ns = 0;       // of the steady clock, one for the machine
  uint64_t bytes_before = 0;  // of data, sent earlier on this track and layer
};

inline constexpr size_t kStampBytes = 35;

// Writes the stamp over the last kStampBytes of |data|.
void write_stamp(std::span<uint8_t> data, const Stamp& stamp);
// Nothing if |data| does not end with one.
std::optional<Stamp> read_stamp(Bytes data);

// A MediaPacket of |size| bytes, with a payload of noise, that ends with room
// for a stamp. At least kMinSyntheticBytes.
inline constexpr size_t kMinSyntheticBytes = 48;
std::vector<uint8_t> synthetic_media(MediaKind kind, size_t size);
// |media|, a serialized MediaPacket, with room for a stamp.
std::vector<uint8_t> stampable(Bytes media);

}  // namespace videocall::loadtest
