// SPDX-License-Identifier: MIT
#include "libvideocall/quic/channel.h"

#include <functional>
#include <string>
#include <vector>

#include "tests/support/fake_session.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using videocall::testing::control;
using videocall::testing::FakeSession;
using videocall::testing::media;

namespace {

constexpr Time kStart{1h};

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

}  // namespace

VC_TEST(client_opens_with_connection_and_waits_for_its_id) {
  Pair pair;
  ck_assert_int_eq(pair.client.visitor.opened, 1);
  pair.client.channel->send(control(PacketType::member_state), kStart);
  pair.client.channel->send(media({.keyframe = true}), kStart);
  pair.run();
  // Nothing but CONNECTION before SESSION_ASSIGNED.
  ck_assert_uint_eq(pair.server.visitor.packets.size(), 1);
  ck_assert(pair.server.visitor.packets[0]->fields().type ==
            PacketType::connection);
  ck_assert_uint_eq(pair.client.session.log.size(), 1);

  // SESSION_ASSIGNED is first, whatever the owner sent before it.
  pair.server.channel->send(control(PacketType::meeting), kStart);
  pair.server.channel->send(control(PacketType::session_assigned), kStart);
  pair.run();
  ck_assert_uint_eq(pair.client.visitor.packets.size(), 2);
  ck_assert(pair.client.visitor.packets[0]->fields().type ==
            PacketType::session_assigned);
  // On the control stream that the client opened.
  ck_assert(pair.server.session.log[0].stream == 0);
  ck_assert_uint_eq(pair.server.visitor.packets.size(), 3);
  ck_assert(pair.server.visitor.packets[1]->fields().type ==
            PacketType::member_state);
  ck_assert(pair.server.visitor.packets[2]->fields().header.keyframe);
}

VC_TEST(groups_travel_on_streams_of_their_own) {
  Pair pair;
  pair.connect();
  auto& sent = pair.client.session;
  pair.client.channel->send(media({.sequence = 1, .keyframe = true}), pair.now);
  pair.client.channel->send(media({.sequence = 2}), pair.now);
  pair.run();
  pair.client.channel->send(
      media({.group = 2, .sequence = 3, .keyframe = true}), pair.now);
  pair.run();
  // Uplink: bidirectional streams 4 and 8; the first ended, the second open.
  ck_assert_uint_eq(sent.packets_on(4).size(), 2);
  ck_assert(sent.streams.at(4).fin);
  ck_assert_uint_eq(sent.packets_on(8).size(), 1);
  ck_assert(!sent.streams.at(8).fin);
  ck_assert_uint_eq(pair.server.visitor.packets.size(), 3);
  // The server ended its own side of them at once, not of the control stream.
  ck_assert(pair.server.session.streams.at(4).fin);
  ck_assert(pair.server.session.streams.at(8).fin);
  ck_assert(!pair.server.session.streams.at(0).fin);

  // Downlink: unidirectional streams of the server.
  pair.server.channel->send(media({.session = 7, .keyframe = true}), pair.now);
  pair.run();
  pair.server.channel->send(
      media({.session = 7, .group = 2, .sequence = 2, .keyframe = true}),
      pair.now);
  pair.run();
  ck_assert_uint_eq(pair.server.session.packets_on(3).size(), 1);
  ck_assert(pair.server.session.streams.at(3).fin);
  ck_assert_uint_eq(pair.server.session.packets_on(7).size(), 1);
  ck_assert_uint_eq(pair.client.visitor.packets.size(), 2);
}

VC_TEST(audio_travels_in_datagrams_or_on_one_stream) {
  Pair pair;
  pair.connect();
  auto audio = [](uint64_t sequence, size_t size) {
    return media(
        {.kind = MediaKind::audio, .sequence = sequence, .size = size});
  };
  pair.client.channel->send(audio(1, 100), pair.now);
  pair.client.channel->send(audio(2, 1'000), pair.now);  // > 1 000 as a packet
  pair.client.channel->send(audio(3, 1'100), pair.now);
  pair.run();
  ck_assert_uint_eq(pair.server.visitor.packets.size(), 3);
  // One long-lived unidirectional stream for those that are too large.
  ck_assert_uint_eq(pair.client.session.packets_on(2).size(), 2);
  ck_assert(!pair.client.session.streams.at(2).fin);

  // A path that takes no datagrams at all.
  pair.server.session.max_datagram = 0;
  for (uint64_t i = 1; i <= 5; ++i)
    pair.server.channel->send(audio(i, 160), pair.now);
  pair.run();
  ck_assert_uint_eq(pair.client.visitor.packets.size(), 5);
  ck_assert_uint_eq(pair.server.session.packets_on(3).size(), 5);
}

VC_TEST(client_takes_large_datagrams_of_the_server) {
  Pair pair;
  pair.connect();
  const auto packet =
      media({.kind = MediaKind::audio, .session = 9, .size = 1'150});
  pair.client.channel->on_datagram(packet->bytes(), pair.now);
  ck_assert_uint_eq(pair.client.visitor.packets.size(), 1);
  ck_assert_int_eq(pair.client.visitor.closed, 0);
}

VC_TEST(rtt_is_measured_and_not_reported) {
  Pair pair;
  pair.connect();
  ck_assert(pair.client.channel->next_timer() <= pair.now);
  pair.client.channel->on_timer(pair.now);
  pair.client.session.pump(pair.now);
  pair.client.session.deliver_to(pair.server.session, pair.now);
  pair.now += 25ms;
  pair.server.session.pump(pair.now);
  pair.server.session.deliver_to(pair.client.session, pair.now);
  ck_assert(pair.client.channel->stats(pair.now).rtt == 25ms);
  ck_assert(pair.client.visitor.packets.empty());
  ck_assert(pair.server.visitor.packets.empty());
  // The next one a second later.
  ck_assert(pair.client.channel->next_timer() == kStart + 1s);
}

VC_TEST(echo_is_unchanged_whatever_way_it_came) {
  Server server;
  server.connect();
  server.session.datagrams.clear();
  const auto probe = control(PacketType::rtt, 64);
  server.channel->on_datagram(probe->bytes(), server.now);
  server.frame(0, probe);
  server.session.pump(server.now);
  ck_assert_uint_eq(server.session.datagrams.size(), 2);
  for (const auto& echo : server.session.datagrams)
    ck_assert(std::ranges::equal(echo, probe->bytes()));
  ck_assert_uint_eq(server.visitor.packets.size(), 1);  // CONNECTION
}

VC_TEST(probes_above_the_rate_are_refused) {
  Server server;
  server.connect();
  const auto probe = control(PacketType::rtt, 8);
  for (size_t i = 0; i < limits::kMaxRttPerSecond + 5; ++i) {
    server.channel->on_datagram(probe->bytes(), server.now);
    server.session.pump(server.now);
  }
  ck_assert_uint_eq(server.session.datagrams.size(), limits::kMaxRttPerSecond);
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 5);
}

VC_TEST(end_of_the_control_stream_ends_the_session) {
  Pair pair;
  pair.connect();
  pair.server.channel->on_stream_data(0, true, {}, true, pair.now);
  pair.client.channel->on_stream_reset(0, pair.now);
  for (End* end : {&pair.server, &pair.client}) {
    const Time due = pair.now + limits::kCloseCapsuleGrace;
    ck_assert(end->channel->next_timer() <= due);
    end->channel->on_timer(due - 1ns);
    ck_assert_int_eq(end->visitor.closed, 0);
    end->channel->on_timer(due);
    ck_assert_int_eq(end->visitor.closed, 1);
    ck_assert(end->visitor.close_code == CloseCode::left);
    ck_assert(end->visitor.by_peer);
    ck_assert(end->session.closed);
  }
}

// The streams of a session that is closed may be reset before the capsule.
VC_TEST(capsule_behind_the_end_of_the_control_stream_counts) {
  Pair pair;
  pair.connect();
  pair.client.channel->on_stream_reset(0, pair.now);
  pair.client.channel->on_closed(CloseCode::removed, "by the host", true);
  pair.client.channel->on_timer(pair.now + 1min);
  ck_assert_int_eq(pair.client.visitor.closed, 1);
  ck_assert(pair.client.visitor.close_code == CloseCode::removed);
  ck_assert(pair.client.visitor.by_peer);
}

VC_TEST(peer_that_stops_control_has_left) {
  Pair pair;
  pair.connect();
  pair.server.channel->stream_stopped(0);
  ck_assert(pair.server.channel->next_timer() <=
            pair.now + limits::kCloseCapsuleGrace);
  pair.server.channel->on_timer(pair.now + limits::kCloseCapsuleGrace);
  ck_assert_int_eq(pair.server.visitor.closed, 1);
}

VC_TEST(close_is_reported_once_with_its_code) {
  Server server;
  server.connect();
  server.channel->close(CloseCode::removed, "by the host");
  server.channel->close(CloseCode::left, "again");
  server.channel->on_closed(CloseCode::left, "", true);
  ck_assert_int_eq(server.visitor.closed, 1);
  ck_assert(server.visitor.close_code == CloseCode::removed);
  ck_assert(!server.visitor.by_peer);
  ck_assert(server.session.close_code == CloseCode::removed);
  server.channel->send(control(PacketType::chat), server.now);
  ck_assert_uint_eq(server.session.pump(server.now), 0);
  ck_assert(server.channel->next_timer() == Time::max());
}

VC_TEST(owner_may_close_while_packets_come) {
  Server server;
  server.connect();
  server.visitor.on_each = [&] {
    server.channel->close(CloseCode::removed, "");
  };
  std::vector<uint8_t> two;
  for (int i = 0; i < 2; ++i) {
    const auto packet = control(PacketType::chat);
    two.insert(two.end(), packet->framed().begin(), packet->framed().end());
  }
  server.channel->on_stream_data(0, true, two, true, server.now);
  ck_assert_uint_eq(server.visitor.packets.size(), 2);  // CONNECTION, one CHAT
  ck_assert(server.visitor.close_code == CloseCode::removed);
}

VC_TEST(refuses_everything_before_session_assigned) {
  Server server;
  server.frame(4, media({.keyframe = true}));
  server.frame(0, control(PacketType::connection));
  server.frame(0, control(PacketType::chat));
  server.channel->on_datagram(control(PacketType::rtt)->bytes(), server.now);
  server.session.pump(server.now);
  ck_assert_uint_eq(server.visitor.packets.size(), 1);
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 3);
  ck_assert(server.session.datagrams.empty());
  ck_assert(server.session.log.empty());
}

VC_TEST(there_is_one_control_stream) {
  Server server;
  // Not on a unidirectional stream, not in a datagram, not as second packet.
  server.frame(2, control(PacketType::connection), false, false);
  server.channel->on_datagram(control(PacketType::connection)->bytes(),
                              server.now);
  server.frame(4, control(PacketType::chat));
  server.frame(4, control(PacketType::connection));
  ck_assert(server.visitor.packets.empty());
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 4);
  server.connect();
  server.frame(8, control(PacketType::connection));
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 5);
  ck_assert(server.session.streams.at(8).fin);
  ck_assert_uint_eq(server.visitor.packets.size(), 1);
  ck_assert_int_eq(server.visitor.closed, 0);
}

VC_TEST(refuses_what_the_contract_refuses) {
  for (PacketType type :
       {PacketType::unknown, PacketType::rsa_pub_key, PacketType::aes_key,
        PacketType::congestion, PacketType::session_assigned,
        PacketType::meeting, PacketType::layer_hint, PacketType::node}) {
    Server server;
    server.connect();
    server.frame(0, control(type));
    ck_assert_uint_eq(server.channel->stats(server.now).refused, 1);
    ck_assert_uint_eq(server.visitor.packets.size(), 1);
  }
  Server server;
  server.connect();
  server.frame(4, media({.kind = MediaKind::unspecified, .keyframe = true}));
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 1);
  // Unknown types are forwarded, up to their rate.
  for (size_t i = 0; i < limits::kMaxUnknownTypePacketsPerSecond + 3; ++i)
    server.frame(0, control(static_cast<PacketType>(99)));
  ck_assert_uint_eq(server.visitor.packets.size(),
                    1 + limits::kMaxUnknownTypePacketsPerSecond);
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 4);
}

VC_TEST(fifty_refusals_in_ten_seconds_are_too_many) {
  Server server;
  server.connect();
  const auto bad = control(PacketType::node);
  // 49 in a row, then one every 210 ms: never 50 within 10 s.
  for (size_t i = 0; i + 1 < limits::kMaxRefusals; ++i) server.frame(0, bad);
  server.now += 10s + 1ms;
  for (size_t i = 0; i < 60; ++i, server.now += 210ms) server.frame(0, bad);
  ck_assert_int_eq(server.visitor.closed, 0);
  for (size_t i = 0; i < limits::kMaxRefusals; ++i) server.frame(0, bad);
  ck_assert_int_eq(server.visitor.closed, 1);
  ck_assert(server.visitor.close_code == CloseCode::protocol_error);
}

VC_TEST(garbage_is_refused_and_the_stream_goes_on) {
  Server server;
  server.connect();
  const std::vector<uint8_t> garbage = {0, 0, 0, 3, 0xff, 0xff, 0xff};
  server.channel->on_stream_data(0, true, garbage, false, server.now);
  server.frame(0, control(PacketType::chat));
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 1);
  ck_assert_uint_eq(server.visitor.packets.size(), 2);
  const std::vector<uint8_t> datagram = {0xff};
  server.channel->on_datagram(datagram, server.now);
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 2);
}

VC_TEST(oversized_input_is_a_protocol_error) {
  {
    Server server;
    server.connect();
    const std::vector<uint8_t> prefix = {0, 0x0f, 0x42, 0x41};  // 1 000 001
    server.channel->on_stream_data(4, true, prefix, false, server.now);
    ck_assert(server.visitor.close_code == CloseCode::protocol_error);
    ck_assert_int_eq(server.visitor.closed, 1);
  }
  {
    Server server;
    server.connect();
    const std::vector<uint8_t> zero = {0, 0, 0, 0};
    server.channel->on_stream_data(4, true, zero, false, server.now);
    ck_assert(server.visitor.close_code == CloseCode::protocol_error);
  }
  {
    Server server;
    server.connect();
    const auto audio = media({.kind = MediaKind::audio, .size = 970});
    ck_assert_uint_gt(audio->size(), 980);
    ck_assert_uint_le(audio->size(), limits::kMaxDatagramBytes);
    server.channel->on_datagram(audio->bytes(), server.now);
    ck_assert_int_eq(server.visitor.closed, 0);
    const std::vector<uint8_t> large(limits::kMaxDatagramBytes + 1);
    server.channel->on_datagram(large, server.now);
    ck_assert_int_eq(server.visitor.closed, 1);
    ck_assert(server.visitor.close_code == CloseCode::protocol_error);
  }
}

VC_TEST(unfinished_frames_are_bounded) {
  Server server;
  server.connect();
  std::vector<uint8_t> most(900'004, 7);  // a frame of 1 000 000, unfinished
  most[0] = 0, most[1] = 0x0f, most[2] = 0x42, most[3] = 0x40;
  StreamId stream = 4;
  for (; server.visitor.closed == 0 && stream < 400; stream += 4)
    server.channel->on_stream_data(stream, true, most, false, server.now);
  ck_assert_int_eq(server.visitor.closed, 1);
  ck_assert_int_eq(stream / 4 - 1, 5);  // 4 MB

  // Streams that are reset or end give their bytes back.
  Server other;
  other.connect();
  for (stream = 4; stream < 400; stream += 4) {
    other.channel->on_stream_data(stream, true, most, false, other.now);
    other.channel->on_stream_reset(stream, other.now);
  }
  ck_assert_int_eq(other.visitor.closed, 0);
  ck_assert_uint_eq(other.channel->stats(other.now).refused, 0);
}

VC_TEST(truncated_frame_is_refused_and_reset_is_not) {
  Server server;
  server.connect();
  const auto packet = media({.keyframe = true});
  const Bytes half = packet->framed().first(500);
  server.channel->on_stream_data(4, true, half, true, server.now);
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 1);
  server.channel->on_stream_data(8, true, half, false, server.now);
  server.channel->on_stream_reset(8, server.now);
  ck_assert_uint_eq(server.channel->stats(server.now).refused, 1);
  ck_assert_uint_eq(server.session.streams.at(4).released, 500);
}

VC_TEST(any_split_of_the_input_will_do) {
  Server server;
  server.connect();
  const auto first = control(PacketType::chat, 300);
  std::vector<uint8_t> bytes(first->framed().begin(), first->framed().end());
  bytes.insert(bytes.end(), first->framed().begin(), first->framed().end());
  for (uint8_t byte : bytes)
    server.channel->on_stream_data(0, true, {&byte, 1}, false, server.now);
  ck_assert_uint_eq(server.visitor.packets.size(), 3);
  ck_assert(
      std::ranges::equal(server.visitor.packets[1]->bytes(), first->bytes()));
}

VC_TEST(silence_ends_a_session) {
  Server server;
  // 60 s for CONNECTION, and no less.
  ck_assert(server.channel->next_timer() == kStart + 60s);
  server.channel->on_timer(kStart + 60s - 1ns);
  ck_assert_int_eq(server.visitor.closed, 0);
  server.now = kStart + 50s;
  server.connect();
  ck_assert(server.channel->next_timer() == kStart + 80s);
  server.channel->on_timer(kStart + 80s - 1ns);
  server.now = kStart + 79s;
  server.frame(0, control(PacketType::member_state));
  server.channel->on_timer(kStart + 80s);
  ck_assert_int_eq(server.visitor.closed, 0);
  server.channel->on_timer(kStart + 109s);
  ck_assert_int_eq(server.visitor.closed, 1);
  ck_assert(server.visitor.close_code == CloseCode::idle);

  Server mute;
  mute.channel->on_timer(kStart + 60s);
  ck_assert_int_eq(mute.visitor.closed, 1);
}

VC_TEST(client_notices_a_silent_server_in_time_to_resume) {
  Pair pair;
  pair.connect();
  // Nothing but acknowledgements comes: the server is there.
  for (int i = 0; i < 20; ++i) {
    pair.client.session.bytes_received += 40;
    pair.client.channel->on_timer(pair.now += 1s);
  }
  ck_assert_int_eq(pair.client.visitor.closed, 0);
  const Time silence = pair.now;
  while (pair.client.visitor.closed == 0 && pair.now < silence + 1min)
    pair.client.channel->on_timer(pair.now = pair.client.channel->next_timer());
  ck_assert(pair.client.visitor.close_code == CloseCode::idle);
  ck_assert(!pair.client.visitor.by_peer);
  ck_assert(pair.now - silence <= limits::kServerSilenceTimeout + 1s);
  ck_assert(pair.now - silence < limits::kResumeWindow);
}

VC_TEST(peer_that_does_not_read_control_is_closed_with_overload) {
  Server server;
  server.connect();
  const auto chat = control(PacketType::chat, 4'000);
  for (int i = 0; i < 1'000 && server.visitor.closed == 0; ++i) {
    server.channel->send(chat, server.now);
    ck_assert_uint_le(server.channel->stats(server.now).queued_bytes,
                      limits::kMaxControlQueueBytes);
  }
  ck_assert_int_eq(server.visitor.closed, 1);
  ck_assert(server.visitor.close_code == CloseCode::overload);
}

VC_TEST(stream_credit_for_control_may_come_late) {
  End client(Channel::Role::client);
  client.session.stream_credit = 0;
  client.channel->set_connection_packet(control(PacketType::connection));
  client.channel->on_established();
  ck_assert_uint_eq(client.session.pump(kStart), 0);
  client.session.add_stream_credit(1);
  ck_assert_uint_gt(client.session.pump(kStart), 0);
  ck_assert_uint_eq(client.session.packets_on(0).size(), 1);
}

VC_TEST(refusal_and_drain_are_passed_on) {
  End client(Channel::Role::client);
  client.channel->on_draining();
  ck_assert_int_eq(client.visitor.draining, 1);
  client.channel->on_refused(503, "draining");
  ck_assert_int_eq(client.visitor.refused, 503);
  Server server;
  server.connect();
  server.channel->drain();
  ck_assert(server.session.drained);
}

VC_TEST(flush_asks_to_write_only_when_something_waits) {
  Server server;
  server.connect();
  const int before = server.session.write_wishes;
  server.channel->flush();
  ck_assert_int_eq(server.session.write_wishes, before);
  server.channel->send(media({.keyframe = true}), server.now);
  server.channel->flush();
  ck_assert_int_eq(server.session.write_wishes, before + 1);
}

VC_TEST(counts_what_passes) {
  Pair pair;
  pair.connect();
  const ChannelStats before = pair.server.channel->stats(pair.now);
  const auto packet = media({.session = 5, .keyframe = true});
  pair.server.channel->send(packet, pair.now);
  const ChannelStats queued = pair.server.channel->stats(pair.now + 10ms);
  ck_assert_uint_eq(queued.queued_bytes, packet->framed().size());
  ck_assert(queued.queued_for == 10ms);
  pair.run();
  const ChannelStats after = pair.server.channel->stats(pair.now);
  ck_assert_uint_eq(after.packets_out, before.packets_out + 1);
  ck_assert_uint_eq(after.bytes_out, before.bytes_out + packet->size());
  ck_assert_uint_eq(after.queued_bytes, 0);
  ck_assert_uint_eq(pair.client.channel->stats(pair.now).bytes_in,
                    after.bytes_out);
}

VC_SUITE_MAIN("quic/channel")
