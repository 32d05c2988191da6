// SPDX-License-Identifier: MIT
#include "cli/loadtest/stamp.h"

#include <cstring>

namespace videocall::loadtest {
namespace {

constexpr uint32_t kMagic = 0x766c7431;  // not likely at the end of media
constexpr size_t kPrefix = 3;
constexpr uint8_t kTag[kPrefix] = {0xc2, 0x3e, kStampBytes - kPrefix};

template <typename T>
void put(uint8_t*& at, T value) {
  for (size_t i = 0; i < sizeof value; ++i)
    *at++ = static_cast<uint8_t>(value >> (8 * i));
}

template <typename T>
T take(const uint8_t*& at) {
  T value = 0;
  for (size_t i = 0; i < sizeof value; ++i)
    value |= static_cast<T>(T{*at++} << (8 * i));
  return value;
}

// A varint of exactly three bytes, so that the size is known beforehand.
void put_length(uint8_t*& at, size_t length) {
  *at++ = static_cast<uint8_t>(length | 0x80);
  *at++ = static_cast<uint8_t>(length >> 7 | 0x80);
  *at++ = static_cast<uint8_t>(length >> 14 & 0x7f);
}

}  // namespace

void write_stamp(std::span<uint8_t> data, const Stamp& stamp) {
  uint8_t* at = data.data() + data.size() - kStampBytes;
  std::memcpy(at, kTag, kPrefix);
  at += kPrefix;
  put(at, kMagic);
  put(at, stamp.publisher);
  put(at, stamp.index);
  put(at, stamp.sent_ns);
  put(at, stamp.bytes_before);
  put(at, uint32_t{0});
}

std::optional<Stamp> read_stamp(Bytes data) {
  if (data.size() < kStampBytes) return std::nullopt;
  const uint8_t* at = data.data() + data.size() - kStampBytes;
  if (std::memcmp(at, kTag, kPrefix) != 0) return std::nullopt;
  at += kPrefix;
  if (take<uint32_t>(at) != kMagic) return std::nullopt;
  Stamp stamp;
  stamp.publisher = take<uint32_t>(at);
  stamp.index = take<uint32_t>(at);
  stamp.sent_ns = take<uint64_t>(at);
  stamp.bytes_before = take<uint64_t>(at);
  return stamp;
}

std::vector<uint8_t> synthetic_media(MediaKind kind, size_t size) {
  constexpr size_t kHead = 2 + 1 + 3;  // type, tag and length of the payload
  size = std::max(size, kMinSyntheticBytes);
  std::vector<uint8_t> data(size);
  uint8_t* at = data.data();
  *at++ = 1 << 3;  // field 1, media_type
  *at++ = static_cast<uint8_t>(kind);
  *at++ = 3 << 3 | 2;  // field 3, data
  put_length(at, size - kHead - kStampBytes);
  uint32_t noise = 1;
  for (uint8_t* end = data.data() + size - kStampBytes; at < end; ++at) {
    noise = noise * 1664525u + 1013904223u;
    *at = static_cast<uint8_t>(noise >> 24);
  }
  write_stamp(data, {});
  return data;
}

std::vector<uint8_t> stampable(Bytes media) {
  std::vector<uint8_t> data(media.begin(), media.end());
  data.resize(data.size() + kStampBytes);
  write_stamp(data, {});
  return data;
}

}  // namespace videocall::loadtest
