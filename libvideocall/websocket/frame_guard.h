// SPDX-License-Identifier: MIT
// Follows the frames of a WebSocket (RFC 6455, section 5.2) while their bytes
// go by, and says where the contract is broken before anybody keeps them: a
// message is judged by the lengths in its headers alone. What the frames hold
// is not looked at; masking, reserved bits and the like are left to whoever
// assembles messages.
//
//   |FIN RSV opcode|MASK length 7|length 16 or 64|masking key 32| payload ...
//
// Sans-I/O; one thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/quic/packet_gate.h"
#include "libvideocall/wire/packet.h"

namespace videocall::websocket {

class VIDEOCALL_API FrameGuard {
 public:
  // |max_message|: bytes of a message, all its fragments together.
  explicit FrameGuard(size_t max_message) : max_message_(max_message) {}

  // |bytes| came. Errc::protocol: a text message, too many fragments or
  // control frames; Errc::limit: a message above the maximum. The session must
  // end then, and what comes later fails in the same way.
  Result<void> feed(Bytes bytes, Time now);

  uint64_t control_frames() const { return control_frames_; }

 private:
  static constexpr size_t kMaxHeader = 14;

  // Takes one byte of a header; true when it is complete.
  bool take(uint8_t byte);
  Result<void> judge(Time now);
  Result<void> judge_data(uint8_t opcode, bool fin, uint64_t length);

  const size_t max_message_;
  std::array<uint8_t, kMaxHeader> header_{};
  size_t header_fill_ = 0;
  size_t header_size_ = 2;     // as far as it is known
  uint64_t payload_left_ = 0;  // of the frame that goes by
  uint64_t message_bytes_ = 0;
  size_t fragments_ = 0;  // of the message that is not whole
  uint64_t control_frames_ = 0;
  quic::TokenBucket control_{limits::kMaxWebSocketControlFramesPerSecond};
  Result<void> verdict_;
};

}  // namespace videocall::websocket
