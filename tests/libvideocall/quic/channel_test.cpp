// SPDX-License-Identifier: MIT
#include "libvideocall/quic/channel.h"

#include "tests/libvideocall/quic/channel_bench.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

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
  // The next one goes out when the interval is over.
  const auto sends_at = [&](Time now) {
    pair.client.channel->on_timer(now);
    return pair.client.session.pump(now) > 0;
  };
  const Time due = kStart + limits::kProbeInterval;
  ck_assert(pair.client.channel->next_timer() == due);
  ck_assert(!sends_at(due - 1ns));
  ck_assert(sends_at(due));
}

VC_TEST(echo_is_unchanged_whatever_way_it_came) {
  Server server;
  server.connect();
  server.session.datagrams.clear();
  const auto probe = control(PacketType::rtt, limits::kMaxRttBytes);
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

VC_TEST(silence_ends_a_session) {
  Server server;
  // 60 s for CONNECTION, and no less.
  ck_assert(server.channel->next_timer() ==
            kStart + limits::kConnectionPacketTimeout);
  server.channel->on_timer(kStart + limits::kConnectionPacketTimeout - 1ns);
  ck_assert_int_eq(server.visitor.closed, 0);
  server.now = kStart + 50s;
  server.connect();
  const Time due = kStart + 50s + limits::kIdleTimeout;
  ck_assert(server.channel->next_timer() == due);
  server.channel->on_timer(due - 1ns);
  server.now = kStart + 79s;
  server.frame(0, control(PacketType::member_state));
  server.channel->on_timer(kStart + 80s);
  ck_assert_int_eq(server.visitor.closed, 0);
  server.channel->on_timer(kStart + 109s);
  ck_assert_int_eq(server.visitor.closed, 1);
  ck_assert(server.visitor.close_code == CloseCode::idle);

  Server mute;
  mute.channel->on_timer(kStart + limits::kConnectionPacketTimeout);
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
