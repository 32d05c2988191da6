// SPDX-License-Identifier: MIT
// What a client tells its server of how it fares (HEALTH): the round trip, and
// of whom, whose picture or sound is on, something came since the last report.
// Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"
#include "libvideocall/client/roster.h"
#include "libvideocall/wire/packet.h"

namespace videocall::client {

class VIDEOCALL_API HealthReporter {
 public:
  struct Link {
    std::string_view transport;  // as Transport::kind
    Duration rtt{0};             // 0: not known
    uint64_t unix_ms = 0;        // now
  };

  // Media of |session_id| came.
  void got(uint64_t session_id, MediaKind kind);
  // A new connection: what was counted says nothing any more.
  void reset();
  // The packet to send. Of whoever is new since the last, or had nothing on
  // then, nothing is said yet; nor of what a server need not send: more cameras
  // or voices than it chooses. |roster| nullptr: nothing of anybody is wanted.
  PacketRef report(const Roster* roster, const Link& link);

 private:
  struct Peer {
    unsigned video = 0;  // packets since the last report
    unsigned audio = 0;
    bool video_on = false;  // at the last report
    bool audio_on = false;
  };
  static std::map<uint64_t, Peer> peers_of(const Roster& roster);

  std::map<uint64_t, Peer> peers_;
};

}  // namespace videocall::client
