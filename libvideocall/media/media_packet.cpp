// SPDX-License-Identifier: MIT
#include "libvideocall/media/media_packet.h"

#include <bit>
#include <cmath>

#include "libvideocall/wire/varint.h"

namespace videocall {
namespace {

using protobuf::Field;
using protobuf::Reader;
using protobuf::WireType;

// Field numbers of MediaPacket in proto/media.proto.
enum MediaField : uint32_t {
  kMediaType = 1,
  kData = 3,
  kDuration = 6,
  kRedundant = 32,
};

// Longer than any frame; keeps the conversion below in range.
constexpr double kMaxDurationUs = 60e6;

Error refused(const char* why) {
  return {Errc::protocol, why};
}

uint64_t duration_of(uint64_t bits) {
  const double us = std::bit_cast<double>(bits);
  if (!(us > 0) || us > kMaxDurationUs) return 0;
  return static_cast<uint64_t>(std::llround(us));
}

void put_varint(std::vector<uint8_t>& out, uint64_t value) {
  uint8_t bytes[protobuf::kMaxVarintBytes];
  const uint8_t* end = protobuf::put_varint(bytes, value);
  out.insert(out.end(), static_cast<const uint8_t*>(bytes), end);
}

void put_bytes(std::vector<uint8_t>& out, uint32_t field, Bytes value) {
  put_varint(out, protobuf::tag(field, WireType::bytes));
  put_varint(out, value.size());
  out.insert(out.end(), value.begin(), value.end());
}

}  // namespace

Result<MediaPacketFields> parse_media_packet(Bytes data) {
  MediaPacketFields fields;
  Reader reader(data);
  Field field;
  while (reader.next(field)) {
    switch (field.number) {
      case kMediaType:
        if (field.type != WireType::varint)
          return refused("media_type is no number");
        // Values above are messages of videocall.rs, not media.
        if (field.value > static_cast<uint8_t>(MediaKind::screen))
          return refused("media_type is none of video, audio, screen");
        fields.kind = static_cast<MediaKind>(field.value);
        break;
      case kData:
        if (field.type != WireType::bytes) return refused("data is no bytes");
        fields.payload = field.bytes;
        break;
      case kDuration:
        if (field.type != WireType::fixed64)
          return refused("duration is no double");
        fields.duration_us = duration_of(field.value);
        break;
      case kRedundant:
        if (field.type != WireType::bytes)
          return refused("redundant is no bytes");
        if (fields.redundant_count < fields.redundant.size())
          fields.redundant[fields.redundant_count++] = field.bytes;
        break;
      default:
        break;
    }
  }
  if (reader.failed()) return refused("MediaPacket does not parse");
  return fields;
}

std::vector<uint8_t> serialize_media_packet(const MediaPacketFields& fields) {
  std::vector<uint8_t> out;
  size_t size = fields.payload.size() + 32;
  for (size_t i = 0; i < fields.redundant_count; ++i)
    size += fields.redundant[i].size() + 8;
  out.reserve(size);
  if (fields.kind != MediaKind::unspecified) {
    put_varint(out, protobuf::tag(kMediaType, WireType::varint));
    put_varint(out, static_cast<uint8_t>(fields.kind));
  }
  put_bytes(out, kData, fields.payload);
  if (fields.duration_us > 0) {
    put_varint(out, protobuf::tag(kDuration, WireType::fixed64));
    const auto bits =
        std::bit_cast<uint64_t>(static_cast<double>(fields.duration_us));
    for (int shift = 0; shift < 64; shift += 8)
      out.push_back(static_cast<uint8_t>(bits >> shift));
  }
  for (size_t i = 0; i < fields.redundant_count; ++i)
    put_bytes(out, kRedundant, fields.redundant[i]);
  return out;
}

}  // namespace videocall
