// SPDX-License-Identifier: MIT
// Protocol buffers' base-128 varints and tags
// (protobuf.dev/programming-guides/encoding).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace videocall::protobuf {

enum class WireType : uint8_t {
  varint = 0,
  fixed64 = 1,
  bytes = 2,
  fixed32 = 5,
};

inline constexpr size_t kMaxVarintBytes = 10;

constexpr uint64_t tag(uint32_t field, WireType type) {
  return (uint64_t{field} << 3) | static_cast<uint8_t>(type);
}

constexpr size_t varint_size(uint64_t value) {
  size_t size = 1;
  while (value >= 0x80) {
    value >>= 7;
    ++size;
  }
  return size;
}

// Writes to |out|, which has room for varint_size(value); returns the end.
inline uint8_t* put_varint(uint8_t* out, uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<uint8_t>(value) | 0x80;
    value >>= 7;
  }
  *out++ = static_cast<uint8_t>(value);
  return out;
}

// One field of a message. value holds varints and fixed numbers; bytes holds
// length-delimited fields, borrowed.
struct Field {
  uint32_t number = 0;
  WireType type = WireType::varint;
  uint64_t value = 0;
  std::span<const uint8_t> bytes;
};

// Walks over the fields of one serialized message.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> message) : rest_(message) {}

  // false at the end or at the first byte that is no valid field; failed()
  // tells which.
  bool next(Field& field) {
    if (rest_.empty()) return false;
    uint64_t key = 0;
    if (!read_varint(key) || (key >> 3) == 0 || (key >> 3) > 0x1fffffff)
      return fail();
    field =
        Field{static_cast<uint32_t>(key >> 3), static_cast<WireType>(key & 7)};
    switch (field.type) {
      case WireType::varint:
        return read_varint(field.value) || fail();
      case WireType::fixed64:
        return read_fixed(8, field.value) || fail();
      case WireType::fixed32:
        return read_fixed(4, field.value) || fail();
      case WireType::bytes: {
        uint64_t length = 0;
        if (!read_varint(length) || length > rest_.size()) return fail();
        field.bytes = rest_.first(static_cast<size_t>(length));
        rest_ = rest_.subspan(static_cast<size_t>(length));
        return true;
      }
    }
    return fail();  // groups are not part of proto3
  }

  bool failed() const { return failed_; }

 private:
  bool fail() {
    failed_ = true;
    return false;
  }

  bool read_varint(uint64_t& value) {
    value = 0;
    for (size_t i = 0; i < kMaxVarintBytes && i < rest_.size(); ++i) {
      value |= uint64_t{rest_[i] & 0x7fu} << (7 * i);
      if ((rest_[i] & 0x80) == 0) {
        rest_ = rest_.subspan(i + 1);
        return true;
      }
    }
    return false;
  }

  bool read_fixed(size_t size, uint64_t& value) {
    if (rest_.size() < size) return false;
    value = 0;
    for (size_t i = 0; i < size; ++i) value |= uint64_t{rest_[i]} << (8 * i);
    rest_ = rest_.subspan(size);
    return true;
  }

  std::span<const uint8_t> rest_;
  bool failed_ = false;
};

}  // namespace videocall::protobuf
