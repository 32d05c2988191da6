// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/frames.h"

#include <algorithm>
#include <cstring>

#include "libvideocall/wire/limits.h"

namespace videocall::websocket {
namespace {

constexpr uint8_t kFin = 0x80;
constexpr uint8_t kReserved = 0x70;
constexpr uint8_t kOpcode = 0x0f;
constexpr uint8_t kControl = 0x08;
constexpr uint8_t kMasked = 0x80;
constexpr uint8_t kLength = 0x7f;
constexpr uint8_t kLength16 = 126;
constexpr uint8_t kLength64 = 127;
constexpr size_t kMaxControlPayload = 125;

Error broken(const char* what) {
  return {Errc::protocol, what};
}

void append_big_endian(std::vector<uint8_t>& out, uint64_t value, size_t size) {
  for (size_t i = size; i > 0; --i)
    out.push_back(static_cast<uint8_t>(value >> (8 * (i - 1))));
}

bool is_control(Opcode opcode) {
  return static_cast<uint8_t>(opcode) & kControl;
}

// The longest beginning of |text| of at most |size| bytes that ends between
// UTF-8 characters.
std::string_view whole_characters(std::string_view text, size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

void append_frame(std::vector<uint8_t>& out, Opcode opcode, Bytes payload,
                  uint32_t mask) {
  out.push_back(static_cast<uint8_t>(kFin | static_cast<uint8_t>(opcode)));
  const size_t size = payload.size();
  if (size < kLength16) {
    out.push_back(static_cast<uint8_t>(kMasked | size));
  } else if (size <= UINT16_MAX) {
    out.push_back(kMasked | kLength16);
    append_big_endian(out, size, 2);
  } else {
    out.push_back(kMasked | kLength64);
    append_big_endian(out, size, 8);
  }
  uint8_t key[4];
  std::memcpy(key, &mask, sizeof key);
  out.insert(out.end(), key, key + sizeof key);
  const size_t begin = out.size();
  out.resize(begin + size);
  uint8_t* masked = out.data() + begin;
  for (size_t i = 0; i < size; ++i) masked[i] = payload[i] ^ key[i & 3];
}

void append_close(std::vector<uint8_t>& out, uint16_t code,
                  std::string_view reason, uint32_t mask) {
  const std::string_view text =
      whole_characters(reason, limits::kMaxWebSocketCloseReasonBytes);
  std::vector<uint8_t> payload;
  append_big_endian(payload, code, 2);
  payload.insert(payload.end(), text.begin(), text.end());
  append_frame(out, Opcode::close, payload, mask);
}

Result<void> FrameReader::feed(Bytes bytes, FrameVisitor& visitor) {
  while (verdict_ && !closed_) {
    if (in_payload_) {
      if (bytes.empty() && left_ > 0) break;
      pass(bytes, visitor);
      continue;
    }
    if (bytes.empty()) break;
    const bool complete = take(bytes.front());
    bytes = bytes.subspan(1);
    if (complete) verdict_ = judge();
  }
  return verdict_;
}

// Takes one byte of a header; true when it is complete.
bool FrameReader::take(uint8_t byte) {
  header_[header_fill_++] = byte;
  if (header_fill_ == 2) {
    const uint8_t length = byte & kLength;
    header_size_ = 2 + (length == kLength16 ? 2 : length == kLength64 ? 8 : 0);
  }
  return header_fill_ == header_size_;
}

Result<void> FrameReader::judge() {
  opcode_ = static_cast<Opcode>(header_[0] & kOpcode);
  fin_ = header_[0] & kFin;
  left_ = header_[1] & kLength;
  if (header_size_ > 2) left_ = 0;
  for (size_t i = 2; i < header_size_; ++i) left_ = left_ << 8 | header_[i];
  header_fill_ = 0;
  header_size_ = 2;
  in_payload_ = true;
  if (header_[0] & kReserved) return broken("reserved bits are set");
  if (header_[1] & kMasked) return broken("a server's frame is masked");
  if (is_control(opcode_)) {
    if (opcode_ > Opcode::pong) return broken("unknown control frame");
    if (!fin_ || left_ > kMaxControlPayload)
      return broken("a control frame that is cut or too long");
    return {};
  }
  if (opcode_ == Opcode::text)
    return broken("text message; packets are binary ones");
  if (opcode_ > Opcode::binary) return broken("unknown kind of message");
  if (in_message_ != (opcode_ == Opcode::continuation))
    return broken("fragments out of order");
  if (left_ > max_message_ - message_size_)
    return Error{Errc::limit, "message larger than the contract allows"};
  if (++fragments_ > limits::kMaxWebSocketFragments)
    return broken("message in too many fragments");
  message_size_ += left_;
  in_message_ = true;
  return {};
}

void FrameReader::pass(Bytes& bytes, FrameVisitor& visitor) {
  const size_t size =
      static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  const Bytes part = bytes.first(size);
  bytes = bytes.subspan(size);
  left_ -= size;
  std::vector<uint8_t>& kept = is_control(opcode_) ? control_ : payload_;
  const bool whole = left_ == 0 && (is_control(opcode_) || fin_);
  if (whole && kept.empty()) {
    end_frame(part, visitor);
    return;
  }
  kept.insert(kept.end(), part.begin(), part.end());
  if (whole) {
    end_frame(kept, visitor);
    kept.clear();
  } else if (left_ == 0) {
    in_payload_ = false;  // a fragment; the next one follows
  }
}

void FrameReader::end_frame(Bytes payload, FrameVisitor& visitor) {
  in_payload_ = false;
  if (is_control(opcode_)) {
    end_control(payload, visitor);
    return;
  }
  in_message_ = false;
  fragments_ = 0;
  message_size_ = 0;
  visitor.on_message(payload);
}

void FrameReader::end_control(Bytes payload, FrameVisitor& visitor) {
  if (opcode_ == Opcode::ping) visitor.on_ping(payload);
  if (opcode_ != Opcode::close) return;
  closed_ = true;
  if (payload.size() < 2) {
    visitor.on_close(kCloseWithoutStatus, "");
    return;
  }
  const auto code = static_cast<uint16_t>(payload[0] << 8 | payload[1]);
  const Bytes reason = payload.subspan(2);
  visitor.on_close(
      code, {reinterpret_cast<const char*>(reason.data()), reason.size()});
}

}  // namespace videocall::websocket
