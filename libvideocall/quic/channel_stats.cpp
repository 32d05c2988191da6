// SPDX-License-Identifier: MIT
#include "libvideocall/quic/channel_stats.h"

namespace videocall::quic {

LinkReport ChannelStats::report(const SessionHandle& session) const {
  return {.session = session,
          .bytes_sent = transport.bytes_sent,
          .bytes_delivered = transport.bytes_delivered,
          .packets_sent = transport.packets_sent,
          .packets_lost = transport.packets_lost,
          .dropped_video = dropped_video,
          .dropped_audio = dropped_audio,
          .packets_refused = refused,
          .queued_bytes = queued_bytes,
          .queued_for = queued_for,
          .rtt = transport.latest_rtt,
          .delivery_rate = transport.delivery_rate};
}

}  // namespace videocall::quic
