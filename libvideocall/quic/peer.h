// SPDX-License-Identifier: MIT
// One connection in a shard's slot, with its session's channel.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/quic/channel.h"
#include "libvideocall/quic/connection.h"
#include "libvideocall/quic/session_meter.h"
#include "libvideocall/quic/session_quota.h"
#include "libvideocall/wire/delivery.h"

namespace videocall::quic {

class Shard;

struct Peer final : public ChannelVisitor {
  explicit Peer(Shard& owner) : shard(owner) {}

  SessionHandle handle() const;

  // ChannelVisitor: hands on to the shard's visitor.
  void on_open() override;
  void on_refused(int status, std::string_view reason) override;
  void on_packet(PacketRef packet, Time now) override;
  void on_draining() override;
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override;

  // borrowed
  Shard& shard;
  Channel* channel = nullptr;  // nullptr before there is a session
  // owned; the channel is the connection's visitor and so outlives it
  std::unique_ptr<Channel> own_channel;  // listener
  std::unique_ptr<Connection> connection;
  // state
  std::vector<ConnectionId> ids;  // ours, in the shard's table
  uint64_t request_id = 0;        // of the pending or admitted CONNECT
  std::string remote_address;
  uint32_t slot = 0;
  uint32_t generation = 0;
  SessionMeter::Reading reading;
  SessionQuota::Seat seat;  // while open
  Time accepted{};          // its first datagram
  Time asked{};             // its CONNECT
  bool touched = false;
  bool shaken = false;  // handshake done
  bool open = false;    // reported opened, not yet closed
  bool queued = false;  // channel has packets since its last flush
};

}  // namespace videocall::quic
