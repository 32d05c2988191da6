// SPDX-License-Identifier: MIT
// What nodes tell each other in NODE packets (proto/node.proto), between
// protobuf and plain structs. Readers fail with Errc::protocol on what does
// not parse or is out of its bound; such a packet is ignored and counted.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/cluster/limits.h"
#include "libvideocall/cluster/subject.h"
#include "libvideocall/wire/close_code.h"
#include "libvideocall/wire/packet.h"

namespace videocall::cluster {

// Of a node, every limits::kNodeHeartbeatInterval.
struct Heartbeat {
  std::string node_id;
  uint64_t incarnation = 0;  // another one after a restart
  uint32_t sessions = 0;
  uint32_t max_sessions = 0;
  double cpu_load = 0;  // 0 to 1, of the node's cores
  // Without /meet/ID; https: is WebTransport, ws: and wss: WebSocket.
  std::vector<std::string> transport_urls;
  std::vector<std::string> certificate_hashes;  // base64 of SHA-256
  bool draining = false;
  std::string token_key_id;  // bytes; empty: hands out no tokens

  bool operator==(const Heartbeat&) const = default;
};

// What a node wants of the others' members.
struct LayerRequest {
  struct Entry {
    TrackLayer track;
    bool wanted = true;
  };
  std::string node_id;
  std::vector<Entry> entries;
  bool complete = false;  // what is not named is no longer wanted
};

// What a node has of its own members.
struct LayerOffer {
  struct Entry {
    TrackLayer track;
    bool available = true;
    uint32_t height = 0;  // 0: not known
    uint32_t target_kbps = 0;
  };
  std::vector<Entry> entries;
};

struct RoomDigest {
  uint32_t members = 0;
  uint64_t digest = 0;
};

struct KeyframeRequest {
  std::string meeting;
  TrackLayer track;
};

struct Remove {
  std::string meeting;
  uint64_t session_id = 0;
  CloseCode code = CloseCode::removed;
  std::string reason;
};

struct Resume {
  std::string meeting;
  uint64_t session_id = 0;
  std::string node_id;  // that holds the session from now on
};

// What would be a MEETING packet each, in order.
struct News {
  std::vector<std::string> meeting_packets;  // their data
};

using NodeMessage = std::variant<Heartbeat, LayerRequest, KeyframeRequest,
                                 Remove, Resume, LayerOffer, RoomDigest, News>;

VIDEOCALL_API Result<NodeMessage> read_node_message(Bytes data);
// A NODE packet.
VIDEOCALL_API PacketRef write_node_message(const NodeMessage& message);

}  // namespace videocall::cluster
