// SPDX-License-Identifier: MIT
// What a channel counts, of itself and of the session below it.
#pragma once

#include "libvideocall/base/export.h"
#include "libvideocall/quic/webtransport.h"
#include "libvideocall/wire/delivery.h"

namespace videocall::quic {

struct VIDEOCALL_API ChannelStats {
  TransportStats transport;
  uint64_t packets_in = 0;
  uint64_t packets_out = 0;
  uint64_t bytes_in = 0;  // of packets
  uint64_t bytes_out = 0;
  uint64_t refused = 0;
  uint64_t dropped_audio = 0;  // packets that waited too long or did not fit
  uint64_t dropped_video = 0;  // packets of groups that were cut or thinned
  uint64_t groups_cut = 0;
  size_t queued_bytes = 0;
  Duration queued_for{0};  // age of the oldest queued packet
  Duration rtt{0};         // of the RTT probe; 0 unknown

  // What the room is told of |session|'s link.
  LinkReport report(const SessionHandle& session) const;
};

}  // namespace videocall::quic
