// SPDX-License-Identifier: MIT
// Capsules on the CONNECT stream (RFC 9297 section 3.2,
// draft-ietf-webtrans-http3 section 5): how a session ends and is asked to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/quic/h3_frames.h"

namespace videocall::quic::h3 {

inline constexpr uint64_t kCapsuleClose = 0x2843;
inline constexpr uint64_t kCapsuleDrain = 0x78ae;

// CLOSE: u32 code, big-endian, then a reason in UTF-8.
struct CloseCapsule {
  uint32_t code = 0;
  std::string reason;
};

struct Capsule {
  uint64_t type = 0;
  CloseCapsule close;  // of type kCapsuleClose
};

// Cuts the payload of DATA frames into capsules, whatever its split. Skips
// what it does not know, however long; keeps at most limits::kMaxCapsuleBytes.
class CapsuleReader {
 public:
  // Eats from |input|; nothing once all is eaten. Fails for good on a CLOSE
  // that is too short or too long.
  Result<std::optional<Capsule>> next(Bytes& input);
  bool at_boundary() const { return reader_.at_boundary(); }

 private:
  TlvReader reader_;
  std::vector<uint8_t> value_;
};

// |reason| is cut to limits::kMaxCloseReasonBytes, at a character's start.
void append_close_capsule(std::vector<uint8_t>& out, uint32_t code,
                          std::string_view reason);
void append_drain_capsule(std::vector<uint8_t>& out);

}  // namespace videocall::quic::h3
