// SPDX-License-Identifier: MIT
// What a channel refuses of its peer.
#include "libvideocall/quic/channel.h"

#include "tests/libvideocall/quic/channel_bench.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

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
  ck_assert_uint_eq(static_cast<size_t>(stream / 4 - 1),
                    limits::kMaxPartialFrameBytes / most.size() + 1);

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

VC_SUITE_MAIN("quic/channel_refusals")
