// SPDX-License-Identifier: MIT
// What our client does with servers that are not ours.
#include "tests/libvideocall/quic/raw_peer.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

VC_TEST(a_client_asks_as_browsers_do) {
  RawServer server;
  server.greet();
  Bytes bytes = server.raw.streams[0].bytes;
  h3::TlvReader reader;
  ck_assert(reader.next(bytes) == h3::TlvReader::Event::start);
  ck_assert_uint_eq(reader.type(), h3::kFrameHeaders);
  ck_assert(reader.next(bytes) == h3::TlvReader::Event::payload);
  auto fields = h3::decode_fields(reader.payload());
  ck_assert(fields.ok());
  const auto value = [&](const char* name) {
    const std::string* found = h3::find_field(*fields, name);
    return found ? *found : std::string("(none)");
  };
  ck_assert(value(":method") == "CONNECT");
  ck_assert(value(":protocol") == "webtransport");
  ck_assert(value(":scheme") == "https");
  ck_assert(value(":authority") == "localhost:4433");
  ck_assert(value(":path") == server.sim.path);
  ck_assert(value("sec-webtransport-http3-draft02") == "1");
  ck_assert(value("origin") == "(none)");
}

VC_TEST(a_client_waits_for_settings) {
  RawServer server;
  server.sim.run_for(5s);
  ck_assert(!server.raw.streams.contains(0));
  server.greet();
}

VC_TEST(a_server_without_webtransport) {
  RawServer server;
  server.raw.send_uni(settings({0x33, 1, 0x08, 1}));
  server.expect_refused(0, "does not speak WebTransport");
}

VC_TEST(a_server_that_says_nothing) {
  RawServer server;
  server.greet();
  server.expect_refused(0, "in time");
}

VC_TEST(a_refusal_without_an_end) {
  RawServer server;
  server.greet();
  server.raw.send(0, headers({{":status", "103"}}) +
                         headers({{":status", "404"}}) +
                         frame(h3::kFrameData, {'n', 'o'}));
  server.expect_refused(404, "no");
}

VC_TEST(a_refusal_by_reset) {
  RawServer server;
  server.greet();
  server.raw.transport->reset(0, h3::kRequestRejected);
  server.expect_refused(0, "reset");
}

VC_TEST(an_answer_without_a_status) {
  RawServer server;
  server.greet();
  server.raw.send(0, headers({{"server", "x"}}));
  server.expect_refused(0, "without a status");
}

VC_TEST(a_session_of_another_server_works) {
  RawServer server;
  server.greet();
  // What comes before the answer is for the session too.
  const StreamId uni = server.raw.send_uni(
      varints({h3::kStreamWebTransport, 0}) + Buffer{'e'}, true);
  server.raw.send_datagram(varints({0}) + Buffer{'d'});
  server.sim.run_for(100ms);
  server.raw.send(0, headers({{":status", "200"},
                              {"sec-webtransport-http3-draft", "draft02"}}));
  ck_assert(server.until([&] { return server.client().established; }));
  ck_assert(server.until([&] { return server.client().text(uni) == "e"; }));
  ck_assert_uint_eq(server.client().datagrams.size(), 1);
  // A server may not open requests.
  server.raw.send_bidi(connect_headers());
  ck_assert(server.until([&] { return server.raw.over; }));
  ck_assert_uint_eq(server.raw.reason.code, h3::kStreamCreationError);
  ck_assert(server.until([&] { return server.client().closed == 1; }));
  ck_assert(server.client().close_code == CloseCode::protocol_error);
}

VC_SUITE_MAIN("quic/client_protocol")
