// SPDX-License-Identifier: MIT
// Frames of a stream: uint32 length, big-endian, length >= 1, then one packet
// (docs/wire-protocol.md, section 2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libvideocall/wire/packet.h"

namespace videocall {

// Cuts a stream into packets, whatever the split of the input. A frame is
// judged by its length prefix alone; memory grows with the bytes that came,
// not with the length that was announced.
class VIDEOCALL_API FrameDecoder {
 public:
  explicit FrameDecoder(size_t max_packet_bytes = limits::kMaxPacketBytes)
      : max_packet_bytes_(max_packet_bytes) {}

  // Consumes all of |input| and calls |emit|(PacketRef, Result<void> parsed)
  // per complete frame, in order; a packet that does not parse is reported,
  // and the stream goes on. Fails for good on a frame of length 0
  // (Errc::protocol) or above the maximum (Errc::limit).
  template <typename Emit>
  Result<void> feed(Bytes input, Emit&& emit) {
    while (!input.empty()) {
      auto step = advance(input);
      if (!step) return step.error();
      if (*step) {
        PacketRef packet = take();
        Result<void> parsed = packet->parse();
        emit(std::move(packet), std::move(parsed));
      }
    }
    return {};
  }

  // Whether the stream ended between two frames.
  bool at_boundary() const { return prefix_fill_ == 0; }
  size_t buffered() const { return fill_; }

 private:
  // Eats some of |input|; true when a frame is complete.
  Result<bool> advance(Bytes& input);
  PacketRef take();

  size_t max_packet_bytes_;
  uint8_t prefix_[4] = {};
  size_t prefix_fill_ = 0;
  size_t length_ = 0;
  size_t fill_ = 0;
  PacketRef packet_;              // once the rest is worth one allocation
  std::vector<uint8_t> partial_;  // before: grows with what came
};

}  // namespace videocall
