// SPDX-License-Identifier: MIT
// Peers that speak HTTP/3 and WebTransport badly, or well but unusually: raw
// bytes on the streams of a QuicTransport against a whole Connection.
#include "libvideocall/quic/capsules.h"
#include "libvideocall/quic/h3_frames.h"
#include "libvideocall/quic/qpack.h"
#include "libvideocall/quic/quic_transport.h"
#include "tests/libvideocall/quic/simulation.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

namespace {

using Buffer = std::vector<uint8_t>;

Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Buffer varints(std::initializer_list<uint64_t> values) {
  Buffer out;
  for (uint64_t value : values) h3::append_varint(out, value);
  return out;
}

Buffer frame(uint64_t type, const Buffer& payload) {
  Buffer out;
  h3::append_frame(out, type, payload);
  return out;
}

Buffer headers(const h3::Fields& fields) {
  return frame(h3::kFrameHeaders, *h3::encode_fields(fields));
}

Buffer connect_headers() {
  return headers({{":method", "CONNECT"},
                  {":protocol", "webtransport"},
                  {":scheme", "https"},
                  {":authority", "localhost:4433"},
                  {":path", "/meet/raw"},
                  {"origin", "https://example.org"}});
}

Buffer settings(std::initializer_list<uint64_t> pairs) {
  return varints({h3::kStreamControl}) +
         frame(h3::kFrameSettings, varints(pairs));
}

// A QUIC peer without HTTP/3: streams carry what the test says.
class Raw : public StreamEvents, public RouteEvents {
 public:
  struct In {
    Buffer bytes;
    bool fin = false;
    bool reset = false;
  };
  std::unique_ptr<QuicTransport> transport;
  bool ready = false;
  std::map<StreamId, In> streams;
  std::vector<Buffer> datagrams;
  std::vector<StreamId> stopped;
  bool over = false;
  CloseReason reason;

  StreamId open(bool bidirectional) {
    return (*transport->open_stream(bidirectional, {}))->id;
  }
  void send(StreamId stream, const Buffer& bytes, bool fin = false) {
    SendItem item;
    item.kind = SendItem::Kind::stream;
    item.stream = stream;
    if (!bytes.empty()) {
      item.packet = raw_packet(bytes);
      item.bytes = item.packet->bytes();
    }
    item.fin = fin;
    queue_.push_back(item);
    transport->want_write();
  }
  StreamId send_uni(const Buffer& bytes, bool fin = false) {
    const StreamId stream = open(false);
    send(stream, bytes, fin);
    return stream;
  }
  StreamId send_bidi(const Buffer& bytes, bool fin = false) {
    const StreamId stream = open(true);
    send(stream, bytes, fin);
    return stream;
  }
  void send_datagram(const Buffer& bytes) {
    SendItem item;
    item.kind = SendItem::Kind::datagram;
    item.packet = raw_packet(bytes);
    item.bytes = item.packet->bytes();
    queue_.push_back(item);
    transport->want_write();
  }

  void on_send_keys() override {}
  void on_handshake_done() override { ready = true; }
  void on_peer_stream(Stream& stream) override { streams[stream.id]; }
  void on_stream_data(Stream& stream, Bytes bytes, bool fin) override {
    In& in = streams[stream.id];
    in.bytes.insert(in.bytes.end(), bytes.begin(), bytes.end());
    in.fin |= fin;
    transport->release_all(stream);
  }
  void on_stream_reset(Stream& stream) override {
    streams[stream.id].reset = true;
  }
  void on_send_stopped(Stream& stream) override {
    stopped.push_back(stream.id);
    stream_unknown(stream.id);
  }
  void on_send_unblocked(Stream&) override {}
  void on_all_acked(Stream&) override {}
  void on_stream_closed(Stream&) override {}
  void on_stream_credit() override {}
  void on_datagram(Bytes frame) override {
    datagrams.emplace_back(frame.begin(), frame.end());
  }
  void on_connection_over(const CloseReason& why) override {
    over = true;
    reason = why;
  }
  SendItem next(Time) override {
    return queue_.empty() ? SendItem{} : queue_.front();
  }
  Bytes datagram_prefix() override { return {}; }
  void consumed(const SendItem&, size_t size, bool fin) override {
    queue_.front().bytes = queue_.front().bytes.subspan(size);
    if (queue_.front().bytes.empty() && queue_.front().fin == fin)
      queue_.pop_front();
  }
  void datagram_refused(const SendItem&) override { queue_.pop_front(); }
  void on_send_blocked(Stream&) override { queue_.pop_front(); }
  void stream_unknown(StreamId stream) override {
    std::erase_if(queue_, [stream](const SendItem& item) {
      return item.stream == stream;
    });
  }

  ConnectionId make_connection_id() override {
    ConnectionId id;
    id.size = 16;
    id.bytes[0] = 0x43;
    id.bytes[1] = ++next_id_;
    return id;
  }
  void on_new_connection_id(const ConnectionId&) override {}
  void on_retired_connection_id(const ConnectionId&) override {}
  void on_path_changed(const Path&) override {}

 private:
  std::deque<SendItem> queue_;
  uint8_t next_id_ = 0;
};

// The raw peer as a Connection, so that a Simulation can drive it.
class RawConnection : public Connection {
 public:
  explicit RawConnection(Raw& raw) : raw_(raw) {}
  WebTransportSession& accept(SessionVisitor&, SendSource&) override {
    std::abort();
  }
  void refuse(int, std::string_view) override {}
  WebTransportSession* session() override { return nullptr; }
  void receive(const Path& path, Bytes datagram, unsigned ecn,
               Time now) override {
    raw_.transport->receive(path, datagram, ecn, now);
  }
  void write(PacketSink& sink, size_t budget, Time now) override {
    raw_.transport->write(sink, budget, now);
  }
  Time next_timer() const override { return raw_.transport->next_timer(); }
  void on_timer(Time now) override { raw_.transport->on_timer(now); }
  bool wants_write(Time now) const override {
    return raw_.transport->wants_write(now);
  }
  bool finished() const override { return raw_.transport->finished(); }
  bool handshake_done() const override { return raw_.ready; }
  void abort(uint64_t code, Time) override { raw_.transport->close(code, {}); }

 private:
  Raw& raw_;
};

// A raw client against our server.
struct RawClient {
  Simulation sim;
  Raw raw;

  RawClient() {
    raw.transport =
        std::make_unique<QuicTransport>(sim.client_config, raw, raw, sim.now);
    Connection::ClientStart start;
    start.path = make_path(sim.client_address, sim.server_address);
    ck_assert(raw.transport->start_client(start).ok());
    sim.client.connection = std::make_unique<RawConnection>(raw);
    ck_assert(sim.run_until([&] { return raw.ready; }));
  }
  ~RawClient() { sim.client.connection.reset(); }

  bool until(const std::function<bool()>& done) {
    return sim.run_until(done, 5s);
  }
  Peer& server() { return sim.server.peer; }
  // Opens control stream and session; returns the CONNECT stream.
  StreamId establish() {
    raw.send_uni(settings({h3::kSettingDatagram, 1}));
    const StreamId stream = raw.send_bidi(connect_headers());
    ck_assert(until([&] { return server().session != nullptr; }));
    return stream;
  }
  void expect_close(uint64_t code) {
    ck_assert_msg(until([&] { return raw.over; }), "the server was content");
    ck_assert(raw.reason.kind == CloseReason::Kind::peer);
    ck_assert(raw.reason.application);
    ck_assert_msg(raw.reason.code == code, "closed with %#lx instead of %#lx",
                  static_cast<unsigned long>(raw.reason.code),
                  static_cast<unsigned long>(code));
  }
  void expect_content() {
    ck_assert(!until([&] { return raw.over; }));
    ck_assert_int_eq(server().closed, 0);
  }
  int status(StreamId stream) {
    ck_assert(until([&] { return !raw.streams[stream].bytes.empty(); }));
    Bytes bytes = raw.streams[stream].bytes;
    h3::TlvReader reader;
    ck_assert(reader.next(bytes) == h3::TlvReader::Event::start);
    ck_assert(reader.next(bytes) == h3::TlvReader::Event::payload);
    auto fields = h3::decode_fields(reader.payload());
    ck_assert(fields.ok());
    return std::stoi(*h3::find_field(*fields, ":status"));
  }
};

}  // namespace

// -- Settings and control streams
// ----------------------------------------------

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

// -- Requests
// ------------------------------------------------------------------

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
  Buffer cut = connect_headers();
  cut.resize(cut.size() - 3);
  client.raw.send_bidi(cut, true);
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
  client.establish();
  const StreamId second = client.raw.send_bidi(connect_headers());
  ck_assert_int_eq(client.status(second), 429);
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

// -- The session's streams and datagrams
// ------------------------------------------

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

// -- Capsules and the end
// ----------------------------------------------------------

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

// -- Servers that our client may meet
// ---------------------------------------------

namespace {

// Our client against a raw server.
struct RawServer {
  Simulation sim;
  Raw raw;

  RawServer() {
    ck_assert(sim.connect());
    sim.open_server = [this](const Connection::ServerStart& start) {
      raw.transport =
          std::make_unique<QuicTransport>(sim.server_config, raw, raw, sim.now);
      ck_assert(raw.transport->start_server(start).ok());
      // Whatever comes is for this connection: ids are not looked at.
      sim.server_takes_all = true;
      sim.server.connection = std::make_unique<RawConnection>(raw);
    };
    ck_assert(sim.run_until([&] { return raw.ready; }));
  }
  ~RawServer() { sim.server.connection.reset(); }

  Peer& client() { return sim.client.peer; }
  bool until(const std::function<bool()>& done) {
    return sim.run_until(done, 20s);
  }
  // SETTINGS of a server that speaks WebTransport; waits for the CONNECT.
  void greet() {
    raw.send_uni(settings({0x33, 1, 0x2b603742, 1}));
    ck_assert(until([&] { return !raw.streams[0].bytes.empty(); }));
  }
  void expect_refused(int status, const char* reason) {
    ck_assert(until([&] { return client().refused_status >= 0; }));
    ck_assert_int_eq(client().refused_status, status);
    ck_assert_msg(client().refused_reason.find(reason) != std::string::npos,
                  "%s", client().refused_reason.c_str());
    ck_assert_int_eq(client().closed, 0);
    ck_assert(!client().established);
  }
};

}  // namespace

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

VC_SUITE_MAIN("quic/protocol")
