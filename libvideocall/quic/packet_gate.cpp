// SPDX-License-Identifier: MIT
#include "libvideocall/quic/packet_gate.h"

namespace videocall::quic {

Result<void> PacketGate::check(const Packet& packet, Time now) {
  if (auto allowed = check_from_client(packet); !allowed) return allowed;
  TokenBucket* bucket = bucket_of(packet.fields().type);
  if (bucket && !bucket->take(now))
    return Error{Errc::limit, "too many packets of that type in a second"};
  return {};
}

TokenBucket* PacketGate::bucket_of(PacketType type) {
  switch (type) {
    case PacketType::media:
      return nullptr;  // congestion control is its limit
    case PacketType::rtt:
      return &probes_;
    case PacketType::viewport:
      return &viewports_;
    case PacketType::reaction:
      return &reactions_;
    case PacketType::chat:
      return &chats_;
    case PacketType::connection:
    case PacketType::diagnostics:
    case PacketType::health:
    case PacketType::layer_preference:
    case PacketType::keyframe_request:
    case PacketType::e2ee_key:
    case PacketType::member_state:
      return &control_;
    default:
      return &unknown_;
  }
}

}  // namespace videocall::quic
