// SPDX-License-Identifier: MIT
// Packets over one WebTransport session, as docs/wire-protocol.md section 2
// says: which stream is the control stream, one stream per group, audio in
// datagrams, frames in and out, RTT probes echoed, refusals counted, idle
// sessions closed. Server and client side. Sans-I/O, one thread.
//
// A WebSocket is served by the same: its session takes every item of the send
// source as one message, whatever stream it is for, and brings what it receives
// to on_message().
#pragma once

#include <memory>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/quic/channel_stats.h"
#include "libvideocall/quic/webtransport.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic {

class Channel;

// What a channel tells its owner, on its thread.
class ChannelVisitor {
 public:
  virtual ~ChannelVisitor() = default;
  // Client side: CONNECT was accepted; CONNECTION has been sent.
  virtual void on_open() = 0;
  // Client side: refused with HTTP |status|.
  virtual void on_refused(int status, std::string_view reason) = 0;
  // A packet of the peer that passed the checks of wire/packet.h. RTT probes
  // of a client are echoed and not reported; echoes of ours are not reported
  // but measured.
  virtual void on_packet(PacketRef packet, Time now) = 0;
  virtual void on_draining() = 0;
  // The end; |by_peer| as in SessionVisitor. Exactly once.
  virtual void on_closed(CloseCode code, std::string_view reason,
                         bool by_peer) = 0;
};

class VIDEOCALL_API Channel : public SessionVisitor, public SendSource {
 public:
  enum class Role { server, client };

  // |visitor| is borrowed. attach() binds the session once it exists.
  static std::unique_ptr<Channel> create(Role role, ChannelVisitor& visitor,
                                         Time now);
  // |session| is borrowed until on_closed.
  virtual void attach(WebTransportSession& session) = 0;

  // A message of a transport that keeps packets apart: one packet.
  virtual void on_message(Bytes message, Time now) = 0;

  // Client side: the CONNECTION packet to open the control stream with.
  virtual void set_connection_packet(PacketRef packet) = 0;

  // Queues |packet| under the scheduler's policy: control, audio, key frames,
  // delta frames; groups that fall behind are thinned, then cut. Never blocks,
  // never grows past the limits. Call flush() after a batch.
  virtual void send(const PacketRef& packet, Time now) = 0;
  virtual void flush() = 0;

  virtual void drain() = 0;
  virtual void close(CloseCode code, std::string_view reason) = 0;

  // Idle and CONNECTION timeouts, expiry of queued media.
  virtual Time next_timer() const = 0;
  virtual void on_timer(Time now) = 0;
  virtual ChannelStats stats(Time now) const = 0;
};

}  // namespace videocall::quic
