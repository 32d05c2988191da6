// SPDX-License-Identifier: MIT
// Many client sessions in one loop, for load: each has a QUIC connection and a
// channel of its own, as a native client has; they share one UDP socket.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "libvideocall/quic/meeting_url.h"
#include "libvideocall/quic/shard.h"
#include "libvideocall/quic/tls.h"

namespace videocall::load {

// What happens in the sessions, on the loop's thread; |index| is connect()'s.
class FleetVisitor {
 public:
  virtual ~FleetVisitor() = default;
  virtual void on_open(size_t index, Time now) = 0;
  virtual void on_packet(size_t index, const Packet& packet, Time now) = 0;
  virtual void on_ended(size_t index, std::string_view reason) = 0;
};

class Fleet final : public quic::Shard {
 public:
  Fleet(FleetVisitor& visitor, std::shared_ptr<quic::TlsContext> tls);
  ~Fleet() override;

  // Starts session |index| towards |url|, with the token in it.
  Result<void> connect(size_t index, const std::string& url, Time now);
  void send(size_t index, const PacketRef& packet, Time now);
  // One turn of the loop.
  Result<void> turn(Duration timeout);

  void on_connect_request(quic::Connection&,
                          const quic::ConnectRequest&) override {}

 private:
  struct Session;

  // Shard
  void on_unrouted(const quic::Datagram&, const quic::DatagramHeader&,
                   Time) override {}
  void on_socket_error(size_t, const Error&, Time) override {}
  void on_command(quic::Command&, Time) override {}
  Time on_turn(Time) override { return Time::max(); }
  void on_peer_gone(quic::Peer& peer, Time now) override;
  void on_handshake_done(quic::Peer&) override {}
  void on_session_ended() override {}

  // borrowed
  FleetVisitor& visitor_;
  // owned
  std::shared_ptr<quic::TlsContext> tls_;
  std::unique_ptr<quic::ShardVisitor> unused_;
  std::vector<std::unique_ptr<Session>> sessions_;
};

}  // namespace videocall::load
