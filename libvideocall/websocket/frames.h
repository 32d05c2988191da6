// SPDX-License-Identifier: MIT
// The frames of a WebSocket as a client sends and receives them (RFC 6455,
// section 5): its own are masked, the server's are not. Sans-I/O; one thread.
//
//   |FIN RSV opcode|MASK length 7|length 16 or 64|masking key 32| payload ...
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/wire/packet.h"

namespace videocall::websocket {

enum class Opcode : uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

// RFC 6455, section 7.4.1.
inline constexpr uint16_t kCloseNormal = 1'000;
inline constexpr uint16_t kCloseGoingAway = 1'001;
inline constexpr uint16_t kCloseWithoutStatus = 1'005;  // never sent
inline constexpr uint16_t kCloseCodeBase = 4'000;       // + CloseCode
inline constexpr uint16_t kMaxCloseCode = 4'999;

// Appends one whole message or control frame of a client to |out|; the payload
// of a control frame has at most 125 bytes. |mask|: unpredictable.
VIDEOCALL_API void append_frame(std::vector<uint8_t>& out, Opcode opcode,
                                Bytes payload, uint32_t mask);
// A close frame; as much of |reason| as fits, cut between characters.
VIDEOCALL_API void append_close(std::vector<uint8_t>& out, uint16_t code,
                                std::string_view reason, uint32_t mask);

// What a server's frames say; views live as long as the call.
class FrameVisitor {
 public:
  virtual ~FrameVisitor() = default;
  // One binary message, its fragments put together.
  virtual void on_message(Bytes message) = 0;
  // To be answered with a pong of the same payload.
  virtual void on_ping(Bytes payload) = 0;
  // |code| is kCloseWithoutStatus if the frame names none. What follows on the
  // stream is not looked at.
  virtual void on_close(uint16_t code, std::string_view reason) = 0;
};

class VIDEOCALL_API FrameReader {
 public:
  // |max_message|: bytes of a message, all its fragments together.
  explicit FrameReader(size_t max_message) : max_message_(max_message) {}

  // |bytes| came. A message that lies within them whole is not copied.
  // Errc::protocol: no frame that a server of this contract may send;
  // Errc::limit: a message above the maximum, judged by its header alone. What
  // comes later fails in the same way.
  Result<void> feed(Bytes bytes, FrameVisitor& visitor);

  // Bytes kept of what is not whole yet.
  size_t buffered() const { return payload_.size() + control_.size(); }

 private:
  static constexpr size_t kMaxHeader = 10;

  bool take(uint8_t byte);
  Result<void> judge();
  void pass(Bytes& bytes, FrameVisitor& visitor);
  void end_frame(Bytes payload, FrameVisitor& visitor);
  void end_control(Bytes payload, FrameVisitor& visitor);

  const size_t max_message_;
  std::array<uint8_t, kMaxHeader> header_{};
  size_t header_fill_ = 0;
  size_t header_size_ = 2;  // as far as it is known
  bool in_payload_ = false;
  Opcode opcode_ = Opcode::binary;  // of the frame
  bool fin_ = true;
  uint64_t left_ = 0;        // of its payload
  bool in_message_ = false;  // fragments of a message have come
  size_t fragments_ = 0;     // of it
  uint64_t message_size_ = 0;
  bool closed_ = false;
  std::vector<uint8_t> payload_;  // of the message, as far as it was kept
  std::vector<uint8_t> control_;  // of the control frame
  Result<void> verdict_;
};

}  // namespace videocall::websocket
