// SPDX-License-Identifier: MIT
#include "libvideocall/quic/capsules.h"

namespace videocall::quic::h3 {
namespace {

constexpr size_t kCodeBytes = 4;

CloseCapsule parse_close(Bytes value) {
  CloseCapsule close;
  for (size_t i = 0; i < kCodeBytes; ++i)
    close.code = close.code << 8 | value[i];
  const Bytes reason = value.subspan(kCodeBytes);
  close.reason.assign(reinterpret_cast<const char*>(reason.data()),
                      reason.size());
  return close;
}

std::string_view cut(std::string_view text, size_t size) {
  if (text.size() <= size) return text;
  while (size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

Result<std::optional<Capsule>> CapsuleReader::next(Bytes& input) {
  for (;;) {
    switch (reader_.next(input)) {
      case TlvReader::Event::need_more:
        return std::optional<Capsule>();
      case TlvReader::Event::start:
        value_.clear();
        if (reader_.type() != kCapsuleClose) break;
        if (reader_.length() < kCodeBytes)
          return Error{Errc::protocol, "a CLOSE capsule without a code"};
        if (reader_.length() > limits::kMaxCapsuleBytes)
          return Error{Errc::limit, "a CLOSE capsule that is too long"};
        break;
      case TlvReader::Event::payload:
        if (reader_.type() == kCapsuleClose)
          value_.insert(value_.end(), reader_.payload().begin(),
                        reader_.payload().end());
        break;
      case TlvReader::Event::end:
        if (reader_.type() == kCapsuleClose)
          return std::optional<Capsule>({kCapsuleClose, parse_close(value_)});
        if (reader_.type() == kCapsuleDrain)
          return std::optional<Capsule>({kCapsuleDrain, {}});
        break;
    }
  }
}

void append_close_capsule(std::vector<uint8_t>& out, uint32_t code,
                          std::string_view reason) {
  reason = cut(reason, limits::kMaxCloseReasonBytes);
  append_varint(out, kCapsuleClose);
  append_varint(out, kCodeBytes + reason.size());
  for (int shift = 24; shift >= 0; shift -= 8)
    out.push_back(static_cast<uint8_t>(code >> shift));
  out.insert(out.end(), reason.begin(), reason.end());
}

void append_drain_capsule(std::vector<uint8_t>& out) {
  append_varint(out, kCapsuleDrain);
  append_varint(out, 0);
}

}  // namespace videocall::quic::h3
