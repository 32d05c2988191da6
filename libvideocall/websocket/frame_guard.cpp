// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/frame_guard.h"

#include <algorithm>

namespace videocall::websocket {
namespace {

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kOpcode = 0x0f;
constexpr uint8_t kControl = 0x08;
constexpr uint8_t kText = 0x01;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLength = 0x7f;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;

}  // namespace

Result<void> FrameGuard::feed(Bytes bytes, Time now) {
  while (verdict_ && !bytes.empty()) {
    if (payload_left_ > 0) {
      const auto passed = std::min<uint64_t>(payload_left_, bytes.size());
      payload_left_ -= passed;
      bytes = bytes.subspan(passed);
      continue;
    }
    const bool complete = take(bytes.front());
    bytes = bytes.subspan(1);
    if (complete) verdict_ = judge(now);
  }
  return verdict_;
}

bool FrameGuard::take(uint8_t byte) {
  header_[header_fill_++] = byte;
  if (header_fill_ == 2) {
    const uint8_t length = byte & kLength;
    header_size_ = 2 +
                   (length == kLength16   ? 2
                    : length == kLength64 ? 8
                                          : 0) +
                   (byte & kMasked ? 4 : 0);
  }
  return header_fill_ == header_size_;
}

Result<void> FrameGuard::judge(Time now) {
  const uint8_t opcode = header_[0] & kOpcode;
  uint64_t length = header_[1] & kLength;
  const size_t more = length == kLength16 ? 2 : length == kLength64 ? 8 : 0;
  if (more > 0) length = 0;
  for (size_t i = 0; i < more; ++i) length = length << 8 | header_[2 + i];
  header_fill_ = 0;
  header_size_ = 2;
  payload_left_ = length;
  if (!(opcode & kControl))
    return judge_data(opcode, header_[0] & kFin, length);
  ++control_frames_;
  // Each ping has an answer, which waits to be read by who sent it.
  if (control_.take(now)) return {};
  return Error{Errc::protocol, "too many control frames"};
}

Result<void> FrameGuard::judge_data(uint8_t opcode, bool fin, uint64_t length) {
  if (opcode == kText)
    return Error{Errc::protocol, "text message; packets are binary ones"};
  if (length > max_message_ - message_bytes_)
    return Error{Errc::limit, "message larger than the contract allows"};
  if (++fragments_ > limits::kMaxWebSocketFragments)
    return Error{Errc::protocol, "message in too many fragments"};
  message_bytes_ += length;
  if (fin) {
    message_bytes_ = 0;
    fragments_ = 0;
  }
  return {};
}

}  // namespace videocall::websocket
