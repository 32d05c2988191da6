// SPDX-License-Identifier: MIT
// A server's channel and a client's, over QUIC, over a network in memory, on a
// clock that jumps: a minute takes some milliseconds.
#pragma once

#include "libvideocall/quic/channel_link.h"
#include "tests/libvideocall/quic/channel_bench.h"
#include "tests/libvideocall/quic/simulation.h"

namespace videocall::quic::testing {

class QuicPair {
 public:
  explicit QuicPair(CongestionControl congestion_control, Duration delay,
                    Time start = kStart)
      : server_(Channel::create(Channel::Role::server, server_visitor, start)),
        client_(Channel::create(Channel::Role::client, client_visitor, start)) {
    sim.now = start;
    sim.network.delay = delay;
    sim.server_config.congestion_control = congestion_control;
    sim.client_visitor = &link_;
    sim.client_source = client_.get();
    sim.server.decide = [this](Connection& connection, const ConnectRequest&) {
      server_->attach(connection.accept(*server_, *server_));
    };
    client_->set_connection_packet(control(PacketType::connection));
  }

  // Both are open; nothing was lost on the way.
  bool open() {
    if (!sim.connect()) return false;
    if (!sim.run_until([this] { return !server_visitor.packets.empty(); }))
      return false;
    server_->send(control(PacketType::session_assigned), sim.now);
    server_->flush();
    return true;
  }

  // To the time |at|, then both channels write what they have.
  void run_until(Time at) {
    sim.run_for(at - sim.now);
    flush();
  }
  void flush() {
    for (Channel* channel : {server_.get(), client_.get()}) {
      if (channel->next_timer() <= sim.now) channel->on_timer(sim.now);
      channel->flush();
    }
  }

  Channel& server() { return *server_; }
  ChannelStats stats() const { return server_->stats(sim.now); }

 private:
  struct Link final : ChannelLink {
    explicit Link(QuicPair& p) : ChannelLink(p.client_), pair(p) {}
    void on_established() override {
      pair.client_->attach(*pair.sim.client.connection->session());
      pair.client_->on_established();
    }
    QuicPair& pair;
  };

 public:
  // Before the simulation, whose connections refer to them.
  Recorder server_visitor, client_visitor;

 private:
  std::unique_ptr<Channel> server_, client_;
  Link link_{*this};

 public:
  Simulation sim;
};

}  // namespace videocall::quic::testing
