// SPDX-License-Identifier: MIT
// What a loop counts of its sessions, and what it tells of their links,
// whatever they travel over. Written by the loop's thread alone; the counters
// may be read from any.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "libvideocall/base/counter.h"
#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"
#include "libvideocall/quic/channel_stats.h"
#include "libvideocall/quic/endpoint.h"

namespace videocall::quic {

class VIDEOCALL_API SessionMeter {
 public:
  // What was read of a session last; kept beside it.
  struct Reading {
    ChannelStats stats;
    uint64_t reported_bytes = 0;  // sent when its link was reported last
  };

  void count_opened() { opened_.add(1); }
  // Codes without a name count as a loss, which is what they are to the room.
  void count_closed(CloseCode code);
  // What the session did since it was read last.
  void count(Reading& reading, const ChannelStats& stats);

  // -- Reports, every limits::kLinkReportInterval while anything is sent ------
  // Without this call there are none.
  void start_reports() { reports_wanted_ = true; }
  // A turn of the loop took so long. A round trip has two of them at most.
  void note_turn(Duration took);
  // True: look at each session that is open, then tell().
  bool begin_reports(Time now);
  void look(Reading& reading, const ChannelStats& stats,
            const SessionHandle& session);
  void tell(ShardVisitor& visitor, Time now);
  // When to begin again; Time::max() where nothing is sent: idle sessions cost
  // no turn.
  Time next_reports() const;

  // -- Any thread -------------------------------------------------------------
  // All but the network's bytes: those of QUIC are counted at the socket.
  void add_to(EndpointStats& sum) const;
  uint64_t network_bytes_in() const { return network_bytes_in_.get(); }
  uint64_t network_bytes_out() const { return network_bytes_out_.get(); }

 private:
  // See EndpointStats.
  Counter opened_;
  std::array<Counter, kCloseCodes> closed_;
  Counter network_bytes_in_, network_bytes_out_;
  Counter packets_in_, packets_out_, packet_bytes_in_, packet_bytes_out_;
  Counter packets_refused_, dropped_audio_, dropped_video_, groups_cut_;
  Counter queued_bytes_;
  DurationHistogram queue_delay_, rtt_;

  bool reports_wanted_ = false;
  Time report_at_ = Time::min();
  Duration last_turn_{0};
  Duration two_turns_{0};  // in a row, the longest since the last round
  Duration own_delay_{0};  // the same of the round that began
  uint64_t queued_ = 0;    // in the round that began
  std::vector<LinkReport> reports_;  // of that round
};

}  // namespace videocall::quic
