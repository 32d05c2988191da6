// SPDX-License-Identifier: MIT
// Both ends of a channel on sessions in memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libvideocall/quic/channel.h"
#include "tests/support/fake_session.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::quic::testing {

using videocall::testing::control;
using videocall::testing::FakeSession;
using videocall::testing::media;

inline constexpr Time kStart{1h};

struct Recorder final : ChannelVisitor {
  void on_open() override { ++opened; }
  void on_refused(int status, std::string_view) override { refused = status; }
  void on_packet(PacketRef packet, Time) override {
    packets.push_back(std::move(packet));
    if (on_each) on_each();
  }
  void on_draining() override { ++draining; }
  void on_closed(CloseCode code, std::string_view reason, bool peer) override {
    ++closed;
    close_code = code;
    close_reason = reason;
    by_peer = peer;
  }

  int opened = 0, draining = 0, closed = 0, refused = 0;
  CloseCode close_code = CloseCode::left;
  std::string close_reason;
  bool by_peer = false;
  std::vector<PacketRef> packets;
  std::function<void()> on_each;
};

// A channel on a fake session.
struct End {
  explicit End(Channel::Role role)
      : session(role == Channel::Role::server),
        channel(Channel::create(role, visitor, kStart)) {
    session.source = channel.get();
    session.visitor = channel.get();
    channel->attach(session);
  }
  Recorder visitor;
  FakeSession session;
  std::unique_ptr<Channel> channel;
};

// A server's channel; the test plays the client with raw bytes.
struct Server : End {
  Server() : End(Channel::Role::server) {}

  void frame(StreamId stream, const PacketRef& packet, bool fin = false,
             bool bidirectional = true) {
    channel->on_stream_data(stream, bidirectional, packet->framed(), fin, now);
  }
  void connect() {
    frame(0, control(PacketType::connection));
    channel->send(control(PacketType::session_assigned), now);
    channel->send(control(PacketType::meeting), now);
    session.pump(now);
  }
  Time now = kStart;
};

// Both ends; run() carries everything back and forth until nothing moves.
struct Pair {
  Pair() : client(Channel::Role::client), server(Channel::Role::server) {
    client.channel->set_connection_packet(control(PacketType::connection));
    client.channel->on_established();
  }
  void run() {
    for (int i = 0; i < 4; ++i) {
      client.session.pump(now);
      client.session.deliver_to(server.session, now);
      server.session.pump(now);
      server.session.deliver_to(client.session, now);
    }
  }
  void connect() {
    run();
    server.channel->send(control(PacketType::session_assigned), now);
    run();
    client.visitor.packets.clear();
    server.visitor.packets.clear();
  }
  End client, server;
  Time now = kStart;
};

}  // namespace videocall::quic::testing
