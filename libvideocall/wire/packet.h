// SPDX-License-Identifier: MIT
// A packet: one serialized PacketWrapper (docs/wire-protocol.md, section 1),
// in one allocation together with what was parsed of it, shared by reference
// by every viewer that it is sent to.
//
//   | reference count, fields | length, 4 B | bytes ... | room for the stamp |
//                             ^ framed()    ^ bytes()
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/wire/limits.h"

namespace videocall {

using Bytes = std::span<const uint8_t>;

// Values as in proto/packet_wrapper.proto; others are possible, and forwarded.
enum class PacketType : uint32_t {
  unknown = 0,
  rsa_pub_key = 1,
  aes_key = 2,
  media = 3,
  connection = 4,
  diagnostics = 5,
  health = 6,
  meeting = 7,
  session_assigned = 8,
  congestion = 9,
  viewport = 11,
  layer_preference = 12,
  layer_hint = 13,
  reaction = 17,
  chat = 32,
  keyframe_request = 33,
  e2ee_key = 34,
  rtt = 35,
  member_state = 36,
  node = 37,
};

enum class MediaKind : uint8_t {
  unspecified = 0,
  video = 1,
  audio = 2,
  screen = 3,
};

// See proto/media.proto for the meaning of each field.
struct MediaHeader {
  uint64_t sequence = 0;
  uint64_t group = 0;
  uint64_t capture_us = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t target_kbps = 0;
  uint32_t key_epoch = 0;
  uint8_t temporal_id = 0;    // 0 .. limits::kMaxTemporalLayer
  uint8_t audio_level = 127;  // 0 loudest .. 127 silence
  bool keyframe = false;
  bool speaking = false;
  std::string_view codec;  // borrowed from the packet's bytes
};

// What the envelope says. Views are borrowed from the packet's bytes.
struct PacketFields {
  PacketType type = PacketType::unknown;
  MediaKind kind = MediaKind::unspecified;
  uint8_t layer = 0;
  uint8_t media_headers = 0;  // how often field 32 occurred, at most 2
  uint64_t session_id = 0;
  Bytes user_id;
  Bytes data;
  Bytes media_header;  // serialized
  MediaHeader header;  // valid if media_headers == 1
};

// Who a server says the sender of a packet is.
struct Stamp {
  std::string_view user_id;  // at most limits::kMaxUserIdBytes
  uint64_t session_id = 0;
};

class PacketRef;

class VIDEOCALL_API Packet {
 public:
  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;

  // A packet of |size| uninitialised bytes; at most
  // limits::kMaxStampedPacketBytes.
  static PacketRef allocate(size_t size);
  // A parsed packet with a copy of |bytes|; fails as parse() does.
  static Result<PacketRef> from_bytes(Bytes bytes);
  // A parsed packet with |fields| serialized; views in |fields| are copied.
  // header is serialized for type media.
  static Result<PacketRef> build(const PacketFields& fields);

  // Reads the envelope and, on media, the MediaHeader; |data| is not looked
  // at. Fails with Errc::protocol on bytes that are no PacketWrapper and on
  // values outside their range. Call once, before the packet is shared.
  Result<void> parse();

  // Appends user_id and session_id and updates fields(); the bytes before are
  // left alone, since the last occurrence of a field wins. Sole owner only,
  // at most once.
  void stamp(const Stamp& stamp);

  // Whether the caller's reference is the only one, so that stamp() is
  // allowed.
  bool is_sole_owner() const {
    return refs_.load(std::memory_order_acquire) == 1;
  }

  const PacketFields& fields() const { return fields_; }
  Bytes bytes() const { return {storage() + kPrefixBytes, size_}; }
  // uint32 length, big-endian, then bytes(): a frame of a stream.
  Bytes framed() const { return {storage(), kPrefixBytes + size_}; }
  size_t size() const { return size_; }
  // For the one who fills an allocated packet before parse().
  uint8_t* mutable_bytes() { return storage() + kPrefixBytes; }

 private:
  friend class PacketRef;
  static constexpr size_t kPrefixBytes = 4;

  explicit Packet(size_t size, size_t capacity);
  uint8_t* storage() { return reinterpret_cast<uint8_t*>(this + 1); }
  const uint8_t* storage() const {
    return reinterpret_cast<const uint8_t*>(this + 1);
  }
  void write_prefix();
  void acquire() const { refs_.fetch_add(1, std::memory_order_relaxed); }
  void release() const;

  mutable std::atomic<uint32_t> refs_{1};
  uint32_t size_;
  uint32_t capacity_;
  PacketFields fields_;
};

// Counted reference to a Packet; copying costs one relaxed increment. A shared
// packet is immutable. Thread-safe like shared_ptr.
class PacketRef {
 public:
  PacketRef() = default;
  PacketRef(const PacketRef& other) : packet_(other.packet_) {
    if (packet_) packet_->acquire();
  }
  PacketRef(PacketRef&& other) noexcept
      : packet_(std::exchange(other.packet_, nullptr)) {}
  PacketRef& operator=(PacketRef other) noexcept {
    std::swap(packet_, other.packet_);
    return *this;
  }
  ~PacketRef() {
    if (packet_) packet_->release();
  }

  // Takes over one reference.
  static PacketRef adopt(Packet* packet) {
    PacketRef ref;
    ref.packet_ = packet;
    return ref;
  }
  // Gives up the reference; for C callbacks that carry a void*.
  Packet* release() { return std::exchange(packet_, nullptr); }

  Packet* get() const { return packet_; }
  Packet* operator->() const { return packet_; }
  Packet& operator*() const { return *packet_; }
  explicit operator bool() const { return packet_ != nullptr; }
  bool operator==(const PacketRef& other) const = default;

 private:
  Packet* packet_ = nullptr;
};

// What the contract refuses of a client whatever the state of its session:
// compatibility and server-only types, media without exactly one header or
// with kind unspecified, sizes. |packet| is parsed. An error is a refusal.
VIDEOCALL_API Result<void> check_from_client(const Packet& packet);

// Whether |type| travels on the control stream (all but media and RTT).
constexpr bool is_control(PacketType type) {
  return type != PacketType::media && type != PacketType::rtt;
}

}  // namespace videocall
