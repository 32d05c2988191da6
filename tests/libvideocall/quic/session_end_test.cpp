// SPDX-License-Identifier: MIT
// How sessions end, and what capsules make of them, as our server sees it.
#include "tests/libvideocall/quic/raw_peer.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

VC_TEST(a_close_capsule_ends_the_session) {
  RawClient client;
  const StreamId stream = client.establish();
  Buffer capsule;
  h3::append_close_capsule(capsule, 77, "why not");
  client.raw.send(stream, frame(h3::kFrameData, capsule), true);
  ck_assert(client.until([&] { return client.server().closed == 1; }));
  ck_assert_uint_eq(static_cast<uint32_t>(client.server().close_code), 77);
  ck_assert_str_eq(client.server().close_reason.c_str(), "why not");
  // As a browser, the peer does not close QUIC; the server does.
  client.expect_close(h3::kNoError);
  ck_assert(client.raw.streams[stream].fin);
}

VC_TEST(an_end_without_capsule_counts_as_left) {
  RawClient client;
  const StreamId stream = client.establish();
  client.raw.send(stream, {}, true);
  ck_assert(client.until([&] { return client.server().closed == 1; }));
  ck_assert(client.server().close_code == CloseCode::left);
  ck_assert(client.server().closed_by_peer);
}

VC_TEST(application_close_of_firefox_counts_as_left) {
  RawClient client;
  client.establish();
  client.raw.transport->close(h3::kNoError, {});
  ck_assert(client.until([&] { return client.server().closed == 1; }));
  ck_assert(client.server().close_code == CloseCode::left);
}

VC_TEST(any_other_close_counts_as_lost) {
  RawClient client;
  client.establish();
  client.raw.transport->close(0x999, {});
  ck_assert(client.until([&] { return client.server().closed == 1; }));
  ck_assert(client.server().close_code == CloseCode::idle);
}

VC_TEST(a_reset_of_the_connect_stream_counts_as_lost) {
  RawClient client;
  const StreamId stream = client.establish();
  client.raw.transport->reset(stream, h3::kRequestCancelled);
  ck_assert(client.until([&] { return client.server().closed == 1; }));
  ck_assert(is_resumable(client.server().close_code));
}

VC_TEST(a_malformed_close_capsule_is_an_error) {
  for (const Buffer& capsule :
       {varints({h3::kCapsuleClose, 3}) + Buffer(3, 0),
        varints({h3::kCapsuleClose, 3'000}) + Buffer(10, 0)}) {
    RawClient client;
    const StreamId stream = client.establish();
    client.raw.send(stream, frame(h3::kFrameData, capsule));
    client.expect_close(h3::kMessageError);
    ck_assert(client.server().close_code == CloseCode::protocol_error);
  }
}

VC_TEST(a_client_that_leaves_before_it_is_admitted) {
  RawClient client;
  Connection* waiting = nullptr;
  client.sim.server.decide = [&](Connection& c, const ConnectRequest&) {
    waiting = &c;
  };
  const StreamId stream = client.raw.send_bidi(connect_headers());
  ck_assert(client.until([&] { return waiting != nullptr; }));
  client.raw.send(stream, {}, true);
  client.expect_close(h3::kNoError);
  client.sim.server.accept(*waiting);
  ck_assert(client.until([&] { return client.server().closed == 1; }));
}

VC_TEST(nothing_follows_a_close) {
  RawClient client;
  client.establish();
  Peer& server = client.server();
  server.session->close(CloseCode::meeting_ended, "");
  const StreamId late = client.raw.send_uni(
      varints({h3::kStreamWebTransport, 0}) + Buffer{'x'}, true);
  client.raw.send_datagram(varints({0}) + Buffer{'x'});
  ck_assert(client.until([&] { return server.closed == 1; }));
  client.sim.run_for(500ms);
  ck_assert(!server.streams.contains(late));
  ck_assert(server.datagrams.empty());
  // A browser that answers nothing is closed all the same.
  client.expect_close(h3::kNoError);
}

VC_TEST(random_bytes_on_streams_never_hurt) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    RawClient client;
    const StreamId connect = client.establish();
    for (int i = 0; i < 20 && !client.raw.over; ++i) {
      Buffer bytes(1 + random() % 200);
      for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
      switch (random() % 5) {
        case 0:
          client.raw.send_uni(bytes, random() % 2 == 0);
          break;
        case 1:
          client.raw.send_bidi(bytes, random() % 2 == 0);
          break;
        case 2:
          client.raw.send_uni(varints({random() % 4}) + bytes);
          break;
        case 3:
          client.raw.send(connect, frame(h3::kFrameData, bytes));
          break;
        default:
          client.raw.send_datagram(bytes);
      }
      client.sim.run_for(20ms);
    }
    client.sim.run_for(100ms);
    if (client.raw.over) ck_assert(client.raw.reason.application);
  }
}

VC_SUITE_MAIN("quic/session_end")
