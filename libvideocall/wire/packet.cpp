// SPDX-License-Identifier: MIT
#include "libvideocall/wire/packet.h"

#include <cassert>
#include <cstring>
#include <new>

#include "libvideocall/wire/varint.h"

namespace videocall {
namespace {

using protobuf::Field;
using protobuf::Reader;
using protobuf::WireType;

// Field numbers of proto/packet_wrapper.proto and proto/media.proto.
enum WrapperField : uint32_t {
  kPacketType = 1,
  kUserId = 2,
  kData = 3,
  kSessionId = 4,
  kLayer = 5,
  kMediaKind = 6,
  kMediaHeader = 32,
};
enum HeaderField : uint32_t {
  kSequence = 1,
  kGroup = 2,
  kKeyframe = 3,
  kTemporalId = 4,
  kCaptureUs = 5,
  kAudioLevel = 6,
  kSpeaking = 7,
  kCodec = 8,
  kWidth = 9,
  kHeight = 10,
  kTargetKbps = 11,
  kKeyEpoch = 12,
};

Error refused(const char* why) {
  return {Errc::protocol, why};
}

WireType expected_wrapper_type(uint32_t field) {
  return field == kUserId || field == kData || field == kMediaHeader
             ? WireType::bytes
             : WireType::varint;
}

Result<void> set_number(const Field& field, MediaHeader& header) {
  switch (field.number) {
    case kSequence:
      header.sequence = field.value;
      break;
    case kGroup:
      header.group = field.value;
      break;
    case kKeyframe:
      header.keyframe = field.value != 0;
      break;
    case kTemporalId:
      if (field.value > limits::kMaxTemporalLayer)
        return refused("temporal_id out of range");
      header.temporal_id = static_cast<uint8_t>(field.value);
      break;
    case kCaptureUs:
      header.capture_us = field.value;
      break;
    case kAudioLevel:
      if (field.value > 127) return refused("audio_level out of range");
      header.audio_level = static_cast<uint8_t>(field.value);
      break;
    case kSpeaking:
      header.speaking = field.value != 0;
      break;
    case kWidth:
      header.width = static_cast<uint32_t>(field.value);
      break;
    case kHeight:
      header.height = static_cast<uint32_t>(field.value);
      break;
    case kTargetKbps:
      header.target_kbps = static_cast<uint32_t>(field.value);
      break;
    case kKeyEpoch:
      header.key_epoch = static_cast<uint32_t>(field.value);
      break;
    default:
      break;
  }
  return {};
}

Result<void> parse_header(Bytes bytes, MediaHeader& header) {
  header.audio_level = 0;  // proto3: a number that is left out is 0
  Reader reader(bytes);
  Field field;
  while (reader.next(field)) {
    if (field.number == kCodec) {
      if (field.type != WireType::bytes) return refused("codec is no string");
      if (field.bytes.size() > limits::kMaxCodecBytes)
        return refused("codec string too long");
      header.codec = {reinterpret_cast<const char*>(field.bytes.data()),
                      field.bytes.size()};
      continue;
    }
    if (field.number > kKeyEpoch) continue;  // a later version's field
    if (field.type != WireType::varint)
      return refused("media header field of a wrong type");
    if (auto set = set_number(field, header); !set) return set;
  }
  if (reader.failed()) return refused("media header does not parse");
  return {};
}

// Serializes into a buffer that was measured with the same calls: the first
// pass counts with out == nullptr, the second writes.
class Writer {
 public:
  explicit Writer(uint8_t* out) : out_(out) {}

  void varint(uint32_t field, uint64_t value) {
    if (value == 0) return;  // proto3: defaults are left out
    put(protobuf::tag(field, WireType::varint));
    put(value);
  }
  void bytes(uint32_t field, Bytes value) {
    if (value.empty()) return;
    bytes_start(field, value.size());
    raw(value);
  }
  void bytes_start(uint32_t field, size_t length) {
    put(protobuf::tag(field, WireType::bytes));
    put(length);
  }
  size_t size() const { return size_; }

 private:
  void put(uint64_t value) {
    if (out_) out_ = protobuf::put_varint(out_, value);
    size_ += protobuf::varint_size(value);
  }
  void raw(Bytes value) {
    if (out_) {
      std::memcpy(out_, value.data(), value.size());
      out_ += value.size();
    }
    size_ += value.size();
  }

  uint8_t* out_;
  size_t size_ = 0;
};

void write_header(Writer& writer, const MediaHeader& header, MediaKind kind) {
  writer.varint(kSequence, header.sequence);
  writer.varint(kGroup, header.group);
  writer.varint(kKeyframe, header.keyframe);
  writer.varint(kTemporalId, header.temporal_id);
  writer.varint(kCaptureUs, header.capture_us);
  if (kind == MediaKind::audio) writer.varint(kAudioLevel, header.audio_level);
  writer.varint(kSpeaking, header.speaking);
  writer.bytes(kCodec, {reinterpret_cast<const uint8_t*>(header.codec.data()),
                        header.codec.size()});
  writer.varint(kWidth, header.width);
  writer.varint(kHeight, header.height);
  writer.varint(kTargetKbps, header.target_kbps);
  writer.varint(kKeyEpoch, header.key_epoch);
}

void write_wrapper(Writer& writer, const PacketFields& fields) {
  writer.varint(kPacketType, static_cast<uint32_t>(fields.type));
  writer.bytes(kUserId, fields.user_id);
  writer.bytes(kData, fields.data);
  writer.varint(kSessionId, fields.session_id);
  writer.varint(kLayer, fields.layer);
  writer.varint(kMediaKind, static_cast<uint8_t>(fields.kind));
}

}  // namespace

Packet::Packet(size_t size, size_t capacity)
    : size_(static_cast<uint32_t>(size)),
      capacity_(static_cast<uint32_t>(capacity)) {
  write_prefix();
}

PacketRef Packet::allocate(size_t size) {
  assert(size <= limits::kMaxStampedPacketBytes);
  const size_t capacity = size + limits::kMaxStampBytes;
  void* memory = ::operator new(sizeof(Packet) + kPrefixBytes + capacity);
  return PacketRef::adopt(new (memory) Packet(size, capacity));
}

Result<PacketRef> Packet::from_bytes(Bytes bytes) {
  if (bytes.size() > limits::kMaxStampedPacketBytes)
    return refused("packet too large");
  PacketRef packet = allocate(bytes.size());
  if (!bytes.empty())
    std::memcpy(packet->mutable_bytes(), bytes.data(), bytes.size());
  if (auto parsed = packet->parse(); !parsed) return parsed.error();
  return packet;
}

Result<PacketRef> Packet::build(const PacketFields& fields) {
  const bool media = fields.type == PacketType::media;
  Writer header_measure(nullptr);
  if (media) write_header(header_measure, fields.header, fields.kind);
  Writer measure(nullptr);
  write_wrapper(measure, fields);
  if (media) measure.bytes_start(kMediaHeader, header_measure.size());
  const size_t size =
      measure.size() + (media ? header_measure.size() : size_t{0});
  if (size > limits::kMaxStampedPacketBytes)
    return Error{Errc::limit, "packet larger than 1 000 000 bytes"};

  PacketRef packet = allocate(size);
  uint8_t* out = packet->mutable_bytes();
  Writer writer(out);
  write_wrapper(writer, fields);
  if (media) {
    writer.bytes_start(kMediaHeader, header_measure.size());
    Writer header_writer(out + writer.size());
    write_header(header_writer, fields.header, fields.kind);
  }
  if (auto parsed = packet->parse(); !parsed) return parsed.error();
  return packet;
}

Result<void> Packet::parse() {
  fields_ = {};
  Reader reader(bytes());
  Field field;
  while (reader.next(field)) {
    const bool known =
        field.number <= kMediaKind || field.number == kMediaHeader;
    if (!known) continue;
    if (field.type != expected_wrapper_type(field.number))
      return refused("envelope field of a wrong type");
    switch (field.number) {
      case kPacketType:
        fields_.type = static_cast<PacketType>(field.value);
        break;
      case kUserId:
        fields_.user_id = field.bytes;
        break;
      case kData:
        fields_.data = field.bytes;
        break;
      case kSessionId:
        fields_.session_id = field.value;
        break;
      case kLayer:
        if (field.value > limits::kMaxLayer)
          return refused("simulcast_layer_id out of range");
        fields_.layer = static_cast<uint8_t>(field.value);
        break;
      case kMediaKind:
        if (field.value > static_cast<uint8_t>(MediaKind::screen))
          return refused("media_kind out of range");
        fields_.kind = static_cast<MediaKind>(field.value);
        break;
      case kMediaHeader:
        fields_.media_header = field.bytes;
        if (fields_.media_headers < 2) ++fields_.media_headers;
        break;
      default:
        break;
    }
  }
  if (reader.failed()) return refused("packet does not parse");
  if (fields_.media_headers == 1)
    return parse_header(fields_.media_header, fields_.header);
  return {};
}

void Packet::stamp(const Stamp& stamp) {
  assert(refs_.load(std::memory_order_relaxed) == 1);
  assert(stamp.user_id.size() <= limits::kMaxUserIdBytes);
  Writer measure(nullptr);
  const Bytes user{reinterpret_cast<const uint8_t*>(stamp.user_id.data()),
                   stamp.user_id.size()};
  // An empty user id is written all the same, to replace the client's.
  measure.bytes_start(kUserId, user.size());
  const size_t added =
      measure.size() + user.size() +
      protobuf::varint_size(protobuf::tag(kSessionId, WireType::varint)) +
      protobuf::varint_size(stamp.session_id);
  assert(size_ + added <= capacity_);
  uint8_t* out = mutable_bytes() + size_;
  out = protobuf::put_varint(out, protobuf::tag(kUserId, WireType::bytes));
  out = protobuf::put_varint(out, user.size());
  if (!user.empty()) std::memcpy(out, user.data(), user.size());
  fields_.user_id = {out, user.size()};
  out += user.size();
  out = protobuf::put_varint(out, protobuf::tag(kSessionId, WireType::varint));
  protobuf::put_varint(out, stamp.session_id);
  fields_.session_id = stamp.session_id;
  size_ += static_cast<uint32_t>(added);
  write_prefix();
}

void Packet::write_prefix() {
  uint8_t* out = storage();
  out[0] = static_cast<uint8_t>(size_ >> 24);
  out[1] = static_cast<uint8_t>(size_ >> 16);
  out[2] = static_cast<uint8_t>(size_ >> 8);
  out[3] = static_cast<uint8_t>(size_);
}

void Packet::release() const {
  if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  this->~Packet();
  ::operator delete(const_cast<Packet*>(this));
}

Result<void> check_from_client(const Packet& packet) {
  const PacketFields& fields = packet.fields();
  if (packet.size() > limits::kMaxPacketBytes)
    return Error{Errc::limit, "packet larger than 1 000 000 bytes"};
  if (fields.user_id.size() > limits::kMaxUserIdBytes)
    return refused("user_id too long");
  switch (fields.type) {
    case PacketType::unknown:
      return refused("packet without a type");
    case PacketType::rsa_pub_key:
    case PacketType::aes_key:
    case PacketType::congestion:
      return refused("packet type of another protocol");
    case PacketType::session_assigned:
    case PacketType::meeting:
    case PacketType::layer_hint:
    case PacketType::node:
      return refused("packet type that only servers send");
    case PacketType::rtt:
      if (fields.data.size() > limits::kMaxRttBytes)
        return refused("RTT probe larger than 64 bytes");
      return {};
    case PacketType::media:
      if (fields.media_headers != 1)
        return refused("media without exactly one media_header");
      if (fields.kind == MediaKind::unspecified)
        return refused("media of unspecified kind");
      return {};
    default:
      return {};
  }
}

}  // namespace videocall
