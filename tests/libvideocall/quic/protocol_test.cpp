// SPDX-License-Identifier: MIT
// What our server does with clients that break HTTP/3 or use it unusually.
#include "tests/libvideocall/quic/raw_peer.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

// -- TLS ----------------------------------------------------------------------

VC_TEST(tls_is_over_with_the_handshake) {
  RawClient client;
  client.establish();
  const Buffer key_update{24, 0, 0, 1, 0};
  TransportInside::send_crypto(*client.raw.transport, key_update);
  ck_assert(client.until([&] { return client.raw.over; }));
  ck_assert(client.raw.reason.kind == CloseReason::Kind::peer);
  ck_assert(!client.raw.reason.application);
  // CRYPTO_ERROR with unexpected_message (RFC 9001 section 6).
  ck_assert_uint_eq(client.raw.reason.code, 0x10a);
}

VC_TEST(a_server_keeps_nothing_of_tls) {
  RawServer server;
  server.greet();
  ck_assert(!TransportInside::has_tls(*server.raw.transport));
}

// -- Settings and control streams --------------------------------------------

VC_TEST(control_must_begin_with_settings) {
  RawClient client;
  client.raw.send_uni(varints({h3::kStreamControl}) +
                      frame(h3::kFrameGoaway, varints({0})));
  client.expect_close(h3::kMissingSettings);
}

VC_TEST(settings_come_once) {
  RawClient client;
  client.raw.send_uni(settings({}) + frame(h3::kFrameSettings, {}));
  client.expect_close(h3::kFrameUnexpected);
}

VC_TEST(one_setting_comes_once) {
  RawClient client;
  client.raw.send_uni(settings({0x33, 1, 0x33, 1}));
  client.expect_close(h3::kSettingsError);
}

VC_TEST(settings_of_http2_are_errors) {
  RawClient client;
  client.raw.send_uni(settings({0x03, 100}));
  client.expect_close(h3::kSettingsError);
}

VC_TEST(truncated_settings_are_errors) {
  RawClient client;
  client.raw.send_uni(varints({h3::kStreamControl}) +
                      frame(h3::kFrameSettings, {0x40}));
  client.expect_close(h3::kSettingsError);
}

VC_TEST(long_settings_are_errors) {
  RawClient client;
  client.raw.send_uni(
      varints({h3::kStreamControl, h3::kFrameSettings, 1'000'000}));
  client.expect_close(h3::kExcessiveLoad);
}

VC_TEST(frames_of_requests_do_not_belong_on_control) {
  for (uint64_t type :
       {h3::kFrameData, h3::kFrameHeaders, uint64_t{0x02}, uint64_t{0x06}}) {
    RawClient client;
    client.raw.send_uni(settings({}) + frame(type, {1, 2, 3}));
    client.expect_close(h3::kFrameUnexpected);
  }
}

VC_TEST(a_second_control_stream_is_an_error) {
  RawClient client;
  client.raw.send_uni(settings({}));
  client.raw.send_uni(settings({}));
  client.expect_close(h3::kStreamCreationError);
}

VC_TEST(critical_streams_must_not_end) {
  for (uint64_t type : {h3::kStreamControl, h3::kStreamQpackEncoder}) {
    RawClient client;
    client.raw.send_uni(
        type == h3::kStreamControl ? settings({}) : varints({type}), true);
    client.expect_close(h3::kClosedCriticalStream);
  }
}

VC_TEST(critical_streams_must_not_be_reset) {
  RawClient client;
  const StreamId control = client.raw.send_uni(settings({}));
  client.sim.run_for(100ms);
  client.raw.transport->reset(control, 0);
  client.expect_close(h3::kClosedCriticalStream);
}

VC_TEST(a_client_cannot_push) {
  RawClient client;
  client.raw.send_uni(varints({h3::kStreamPush, 0}));
  client.expect_close(h3::kStreamCreationError);
}

VC_TEST(what_is_unknown_is_skipped) {
  RawClient client;
  // GREASE: a stream, a setting, frames on control and on the CONNECT stream.
  client.raw.send_uni(varints({0x21}) + Buffer(1'000, 7), true);
  client.raw.send_uni(settings({0x21, 5, 0x33, 1, 0x2b603742, 1}) +
                      frame(0x21, Buffer(5'000, 1)) +
                      frame(h3::kFrameMaxPushId, varints({5})));
  const StreamId stream =
      client.raw.send_bidi(frame(0x21 + 0x1f * 77, Buffer(300, 2)) +
                           connect_headers() + frame(0x21 + 0x1f * 3, {}));
  ck_assert_int_eq(client.status(stream), 200);
  // A capsule of which nobody knows anything, longer than any limit.
  client.raw.send(stream,
                  frame(h3::kFrameData,
                        varints({0x17 + 41 * 29, 30'000}) + Buffer(10'000, 3)));
  client.raw.send(stream, frame(h3::kFrameData, Buffer(20'000, 3)));
  client.expect_content();
}

VC_TEST(the_servers_settings_are_what_browsers_want) {
  RawClient client;
  ck_assert(client.until([&] { return client.raw.streams.contains(3); }));
  Bytes bytes = client.raw.streams[3].bytes;
  ck_assert_uint_eq(*h3::take_varint(bytes), h3::kStreamControl);
  ck_assert_uint_eq(*h3::take_varint(bytes), h3::kFrameSettings);
  ck_assert_uint_eq(*h3::take_varint(bytes), bytes.size());
  std::map<uint64_t, uint64_t> found;
  while (!bytes.empty()) {
    const uint64_t id = *h3::take_varint(bytes);
    found[id] = *h3::take_varint(bytes);
  }
  ck_assert_uint_eq(found[0x08], 1);
  ck_assert_uint_eq(found[0x33], 1);
  ck_assert_uint_eq(found[0x2b603742], 1);
  ck_assert_uint_eq(found[0xc671706a], 16);
  ck_assert(!found.contains(0x14e9cd29));
}

// -- Requests ----------------------------------------------------------------

VC_TEST(data_before_headers_is_an_error) {
  RawClient client;
  client.raw.send_bidi(frame(h3::kFrameData, {1}));
  client.expect_close(h3::kFrameUnexpected);
}

VC_TEST(a_frame_of_control_on_a_request_is_an_error) {
  RawClient client;
  client.raw.send_bidi(frame(h3::kFrameSettings, {}));
  client.expect_close(h3::kFrameUnexpected);
}

VC_TEST(garbage_for_headers_is_an_error) {
  RawClient client;
  client.raw.send_bidi(frame(h3::kFrameHeaders, Buffer(100, 0xff)));
  client.expect_close(h3::kQpackDecompressionFailed);
}

VC_TEST(headers_that_are_too_long_are_an_error) {
  RawClient client;
  client.raw.send_bidi(varints({h3::kFrameHeaders, 100'000}));
  client.expect_close(h3::kExcessiveLoad);
}

VC_TEST(fields_that_are_too_long_decoded_are_an_error) {
  RawClient client;
  h3::Fields fields = {{":method", "CONNECT"}};
  for (int i = 0; i < 600; ++i) fields.emplace_back("age", "0");
  client.raw.send_bidi(headers(fields));
  client.expect_close(h3::kExcessiveLoad);
}

VC_TEST(a_request_that_ends_within_a_frame_is_an_error) {
  RawClient client;
  const Buffer whole = connect_headers();
  client.raw.send_bidi({whole.begin(), whole.end() - 3}, true);
  client.expect_close(h3::kFrameError);
}

VC_TEST(a_request_without_headers_is_reset) {
  RawClient client;
  const StreamId empty = client.raw.send_bidi({}, true);
  const StreamId grease = client.raw.send_bidi(frame(0x21, {}), true);
  ck_assert(client.until([&] {
    return client.raw.streams[empty].reset && client.raw.streams[grease].reset;
  }));
  client.establish();
}

VC_TEST(other_requests_are_answered) {
  RawClient client;
  const StreamId get =
      client.raw.send_bidi(headers({{":method", "GET"},
                                    {":scheme", "https"},
                                    {":authority", "localhost"},
                                    {":path", "/"}}),
                           true);
  ck_assert_int_eq(client.status(get), 405);
  const StreamId tunnel = client.raw.send_bidi(
      headers({{":method", "CONNECT"}, {":authority", "example.org:80"}}));
  ck_assert_int_eq(client.status(tunnel), 501);
  const StreamId incomplete =
      client.raw.send_bidi(headers({{":method", "CONNECT"},
                                    {":protocol", "webtransport"},
                                    {":scheme", "https"},
                                    {":authority", "localhost"}}));
  ck_assert_int_eq(client.status(incomplete), 400);
  const StreamId cut = client.raw.send_bidi(
      headers({{":method", "CONNECT"},
               {":protocol", "webtransport"},
               {":scheme", "https"},
               {":authority", "localhost"},
               {":path", "/meet/raw"},
               {"origin", std::string("https://a\0b", 11)}}));
  ck_assert_int_eq(client.status(cut), 400);
  client.establish();
  const StreamId second = client.raw.send_bidi(connect_headers());
  ck_assert_int_eq(client.status(second), 429);
  ck_assert_str_eq(client.field(second, "retry-after").c_str(), "1");
  ck_assert_uint_eq(client.sim.server.requests.size(), 1);
  client.expect_content();
}

VC_TEST(headers_may_be_split_anywhere) {
  const Buffer whole = connect_headers();
  for (size_t cut = 1; cut < whole.size(); cut += 7) {
    RawClient client;
    const StreamId stream = client.raw.open(true);
    client.raw.send(stream, {whole.begin(), whole.begin() + cut});
    client.sim.run_for(50ms);
    client.raw.send(stream, {whole.begin() + cut, whole.end()});
    ck_assert_int_eq(client.status(stream), 200);
  }
}

VC_TEST(a_client_without_connect_is_reaped) {
  RawClient client;
  const Time start = client.sim.now;
  ck_assert(client.sim.run_until([&] { return client.raw.over; }));
  ck_assert(client.sim.now - start <= limits::kHandshakeTimeout + 1s);
  ck_assert(client.raw.reason.application);
  ck_assert_uint_eq(client.raw.reason.code, h3::kRequestIncomplete);
}

// -- The session's streams and datagrams -------------------------------------

VC_TEST(early_streams_and_datagrams_are_kept_for_the_session) {
  RawClient client;
  Connection* waiting = nullptr;
  client.sim.server.decide = [&](Connection& c, const ConnectRequest&) {
    waiting = &c;
  };
  const StreamId connect = client.raw.open(true);
  const uint64_t id = static_cast<uint64_t>(connect);
  const StreamId uni = client.raw.send_uni(
      varints({h3::kStreamWebTransport, id}) + Buffer{'u'}, true);
  const StreamId bidi =
      client.raw.send_bidi(varints({h3::kFrameWebTransport, id}) + Buffer{'b'});
  const StreamId cut =
      client.raw.send_uni(varints({h3::kStreamWebTransport, id}) + Buffer{'c'});
  const StreamId wrong = client.raw.send_uni(
      varints({h3::kStreamWebTransport, 400}) + Buffer{'w'});
  client.raw.send_datagram(varints({id / 4}) + Buffer{'d'});
  client.sim.run_for(100ms);
  client.raw.transport->reset(cut, 0);
  client.raw.send(connect, connect_headers());
  ck_assert(client.until([&] { return waiting != nullptr; }));
  client.raw.send(bidi, {'!'});
  client.sim.run_for(1s);
  client.sim.server.accept(*waiting);
  Peer& server = client.server();
  ck_assert(client.until([&] { return server.streams.contains(bidi); }));
  client.raw.send(bidi, {'?'}, true);
  ck_assert(client.until([&] { return server.streams[bidi].fin; }));
  ck_assert(server.text(bidi) == "b!?");
  ck_assert(server.streams[bidi].bidirectional);
  ck_assert(server.text(uni) == "u");
  ck_assert(server.streams[uni].fin && !server.streams[uni].bidirectional);
  ck_assert(server.streams[cut].reset);
  ck_assert(!server.streams.contains(wrong));
  ck_assert_uint_eq(server.datagrams.size(), 1);
  ck_assert_int_eq(server.datagrams[0][0], 'd');
}

VC_TEST(what_comes_early_is_bounded) {
  RawClient client;
  Connection* waiting = nullptr;
  client.sim.server.decide = [&](Connection& c, const ConnectRequest&) {
    waiting = &c;
  };
  client.raw.send_bidi(connect_headers());
  std::vector<StreamId> streams;
  for (size_t i = 0; i < limits::kMaxEarlyStreams + 10; ++i)
    streams.push_back(client.raw.send_uni(
        varints({h3::kStreamWebTransport, 0}) + Buffer{'x'}));
  for (int i = 0; i < 1'000; ++i)
    client.raw.send_datagram(varints({0}) + Buffer(1'000, 'd'));
  client.sim.run_for(1s);
  ck_assert_ptr_nonnull(waiting);
  // One of those that were kept grows too long.
  client.raw.send(streams[0], Buffer(limits::kMaxEarlyBytes + 1, 'y'));
  client.sim.run_for(1s);
  client.sim.server.accept(*waiting);
  client.sim.run_for(1s);
  Peer& server = client.server();
  ck_assert_uint_eq(server.streams.size(), limits::kMaxEarlyStreams - 1);
  ck_assert(!server.streams.contains(streams[0]));
  size_t bytes = 0;
  for (const auto& datagram : server.datagrams) bytes += datagram.size();
  ck_assert_uint_gt(bytes, 0);
  ck_assert_uint_le(bytes, limits::kMaxEarlyBytes);
  ck_assert_int_eq(server.closed, 0);
  ck_assert(!client.raw.stopped.empty());
}

VC_TEST(streams_without_a_session_are_counted) {
  RawClient client;
  size_t sent = 0;
  ck_assert(client.until([&] {
    for (;;) {
      auto stream = client.raw.transport->open_stream(false, {});
      if (!stream) break;
      client.raw.send((*stream)->id, varints({0x21, 0}), true);
      ++sent;
    }
    return client.raw.over;
  }));
  ck_assert_uint_eq(client.raw.reason.code, h3::kExcessiveLoad);
  ck_assert_uint_lt(sent, 500);
}

VC_TEST(streams_of_other_sessions_are_refused) {
  RawClient client;
  client.establish();
  const StreamId other = client.raw.send_uni(
      varints({h3::kStreamWebTransport, 400}) + Buffer(10, 1));
  const StreamId other_bidi = client.raw.send_bidi(
      varints({h3::kFrameWebTransport, 400}) + Buffer(10, 1));
  ck_assert(client.until([&] { return client.raw.streams[other_bidi].reset; }));
  ck_assert(!client.server().streams.contains(other));
  ck_assert(!client.server().streams.contains(other_bidi));
  // Its datagrams vanish.
  client.raw.send_datagram(varints({100}) + Buffer{'x'});
  client.expect_content();
  ck_assert(client.server().datagrams.empty());
}

VC_TEST(a_session_that_no_request_can_have_is_an_error) {
  for (uint64_t id : {1, 2, 3, 7}) {
    RawClient client;
    client.raw.send_uni(varints({h3::kStreamWebTransport, id}));
    client.expect_close(h3::kIdError);
  }
}

VC_TEST(a_datagram_without_a_session_is_an_error) {
  RawClient client;
  client.raw.send_datagram({0x40});
  client.expect_close(h3::kDatagramError);
}

VC_TEST(a_datagram_of_an_impossible_session_is_an_error) {
  RawClient client;
  client.raw.send_datagram(varints({h3::kMaxVarint}));
  client.expect_close(h3::kDatagramError);
}

VC_TEST(preambles_may_be_split_anywhere) {
  RawClient client;
  client.establish();
  const Buffer opening = varints({h3::kFrameWebTransport, 0}) + Buffer{'x'};
  for (size_t cut = 1; cut < opening.size(); ++cut) {
    const StreamId stream = client.raw.open(true);
    client.raw.send(stream, {opening.begin(), opening.begin() + cut});
    client.sim.run_for(50ms);
    client.raw.send(stream, {opening.begin() + cut, opening.end()});
    ck_assert(
        client.until([&] { return client.server().text(stream) == "x"; }));
  }
}

VC_SUITE_MAIN("quic/protocol")
