// SPDX-License-Identifier: MIT
// Peers that speak HTTP/3 and WebTransport badly, or well but unusually: raw
// bytes on the streams of a QuicTransport, against a whole Connection.
#pragma once

#include "libvideocall/quic/capsules.h"
#include "libvideocall/quic/h3_frames.h"
#include "libvideocall/quic/qpack.h"
#include "libvideocall/quic/quic_transport.h"
#include "tests/libvideocall/quic/simulation.h"
#include "tests/support/suite.h"

namespace videocall::quic {

struct TransportInside {
  // A CRYPTO frame with |bytes|, at the level of 1-RTT.
  static void send_crypto(QuicTransport& transport, Bytes bytes) {
    ck_assert_int_eq(ngtcp2_conn_submit_crypto_data(
                         transport.conn_, NGTCP2_CRYPTO_LEVEL_APPLICATION,
                         bytes.data(), bytes.size()),
                     0);
    transport.want_write();
  }
  static bool has_tls(const QuicTransport& transport) {
    return transport.tls_.get() != nullptr;
  }
};

namespace testing {

using Buffer = std::vector<uint8_t>;

inline Buffer operator+(Buffer a, const Buffer& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline Buffer varints(std::initializer_list<uint64_t> values) {
  Buffer out;
  for (uint64_t value : values) h3::append_varint(out, value);
  return out;
}

inline Buffer frame(uint64_t type, const Buffer& payload) {
  Buffer out;
  h3::append_frame(out, type, payload);
  return out;
}

inline Buffer headers(const h3::Fields& fields) {
  return frame(h3::kFrameHeaders, *h3::encode_fields(fields));
}

inline Buffer connect_headers() {
  return headers({{":method", "CONNECT"},
                  {":protocol", "webtransport"},
                  {":scheme", "https"},
                  {":authority", "localhost:4433"},
                  {":path", "/meet/raw"},
                  {"origin", "https://example.org"}});
}

inline Buffer settings(std::initializer_list<uint64_t> pairs) {
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
  int status(StreamId stream) { return std::stoi(field(stream, ":status")); }
  // Of the answer on |stream|; empty if it has none.
  std::string field(StreamId stream, std::string_view name) {
    ck_assert(until([&] { return !raw.streams[stream].bytes.empty(); }));
    Bytes bytes = raw.streams[stream].bytes;
    h3::TlvReader reader;
    ck_assert(reader.next(bytes) == h3::TlvReader::Event::start);
    ck_assert(reader.next(bytes) == h3::TlvReader::Event::payload);
    auto fields = h3::decode_fields(reader.payload());
    ck_assert(fields.ok());
    const auto* value = h3::find_field(*fields, name);
    return value ? std::string(*value) : std::string();
  }
};

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

}  // namespace testing
}  // namespace videocall::quic
