// SPDX-License-Identifier: MIT
// What the room hands to the transports: a packet and who is to get it. The
// room knows no transport and the transports know no room; both know these.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/close_code.h"
#include "libvideocall/wire/packet.h"

namespace videocall {

// Names one session of one transport endpoint of this process. A slot is used
// again after its session has gone; the generation tells the two apart.
struct SessionHandle {
  uint16_t endpoint = 0;  // from 1; process-wide number of the endpoint
  uint16_t shard = 0;
  uint32_t slot = 0;
  uint32_t generation = 0;

  bool operator==(const SessionHandle&) const = default;
};

struct SessionHandleHash {
  size_t operator()(const SessionHandle& h) const {
    const uint64_t a =
        uint64_t{h.endpoint} << 48 | uint64_t{h.shard} << 32 | h.slot;
    return std::hash<uint64_t>{}(a * 0x9e3779b97f4a7c15u ^ h.generation);
  }
};

// Sessions, grouped by endpoint and shard and ordered by slot, so that a shard
// finds its own in one run. Immutable once shared.
struct Recipients {
  struct Run {
    uint16_t endpoint = 0;
    uint16_t shard = 0;
    uint32_t first = 0;  // index into sessions
    uint32_t count = 0;
  };
  std::vector<SessionHandle> sessions;
  std::vector<Run> runs;

  // Sorts |sessions| and finds the runs.
  VIDEOCALL_API static std::shared_ptr<const Recipients> make(
      std::vector<SessionHandle> sessions);
};
using RecipientsPtr = std::shared_ptr<const Recipients>;

// One packet for some sessions. Never changed once it is queued.
struct Delivery {
  PacketRef packet;
  RecipientsPtr to;
};

// What a transport tells the room of a viewer's link, about every
// limits::kLinkReportInterval while anything is sent over it. Counters count
// from the session's start.
struct LinkReport {
  SessionHandle session;
  uint64_t bytes_sent = 0;  // all of the transport's, repeated ones included
  uint64_t bytes_delivered = 0;  // of those, about: the peer has them
  uint64_t packets_sent = 0;
  uint64_t packets_lost = 0;
  uint64_t dropped_video = 0;  // packets left out for want of time or room
  uint64_t dropped_audio = 0;
  uint64_t packets_refused = 0;  // of the viewer's own, by the transport
  uint64_t queued_bytes = 0;     // wait to be sent
  Duration queued_for{0};        // how long the oldest of them has waited
  Duration rtt{0};               // the last that was measured; 0: unknown
  Duration own_delay{0};     // of rtt at most: the node was busy with others
  double delivery_rate = 0;  // bytes/s lately acknowledged; 0: unknown
};

// The room's wish that a session be closed by its transport.
struct CloseCommand {
  SessionHandle session;
  CloseCode code = CloseCode::left;
  std::string reason;  // for people; at most limits::kMaxCloseReasonBytes
};

}  // namespace videocall
