// SPDX-License-Identifier: MIT
// A client and a server connection in memory, with a network between them that
// delays, loses, reorders and duplicates by a seeded generator, and a clock
// that jumps to whatever is due next. Nothing waits.
#pragma once

#include <arpa/inet.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "libvideocall/quic/connection.h"
#include "libvideocall/quic/stateless.h"
#include "libvideocall/quic/tls.h"

namespace videocall::quic::testing {

inline Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

inline PacketRef raw_packet(Bytes bytes) {
  PacketRef packet = Packet::allocate(bytes.size());
  std::copy(bytes.begin(), bytes.end(), packet->mutable_bytes());
  return packet;
}

inline PacketRef pattern_packet(size_t size, uint32_t seed) {
  PacketRef packet = Packet::allocate(size);
  for (size_t i = 0; i < size; ++i)
    packet->mutable_bytes()[i] =
        static_cast<uint8_t>((i * 2654435761u + seed) >> 13);
  return packet;
}

inline sockaddr_storage ipv4(const char* address, uint16_t port) {
  sockaddr_storage storage{};
  auto* in = reinterpret_cast<sockaddr_in*>(&storage);
  in->sin_family = AF_INET;
  in->sin_port = htons(port);
  inet_pton(AF_INET, address, &in->sin_addr);
  return storage;
}

inline Path make_path(const sockaddr_storage& local,
                      const sockaddr_storage& remote) {
  return {local, sizeof(sockaddr_in), remote, sizeof(sockaddr_in)};
}

// A SendSource that sends in the order in which it was told to, and a
// SessionVisitor that keeps all it hears.
class Peer : public SessionVisitor, public SendSource {
 public:
  struct Received {
    std::vector<uint8_t> bytes;
    bool bidirectional = false;
    bool fin = false;
    bool reset = false;
  };

  // -- To use ----------------------------------------------------------------
  WebTransportSession* session = nullptr;
  bool release = true;  // give credit back at once
  bool echo = false;    // send back what comes, on the same stream or datagram
  std::function<void(StreamId, Bytes, bool fin)> on_data;
  std::function<void()> on_open;

  void send(StreamId stream, PacketRef packet, bool fin) {
    SendItem item;
    item.kind = SendItem::Kind::stream;
    item.stream = stream;
    item.bytes = packet ? packet->bytes() : Bytes();
    item.packet = std::move(packet);
    item.fin = fin;
    queue.push_back(std::move(item));
    if (session) session->want_write();
  }
  void send_text(StreamId stream, std::string_view text, bool fin) {
    send(stream, raw_packet(bytes_of(text)), fin);
  }
  void send_datagram(PacketRef packet) {
    SendItem item;
    item.kind = SendItem::Kind::datagram;
    item.bytes = packet->bytes();
    item.packet = std::move(packet);
    queue.push_back(std::move(item));
    if (session) session->want_write();
  }
  std::string text(StreamId stream) const {
    const auto found = streams.find(stream);
    if (found == streams.end()) return {};
    const auto& bytes = found->second.bytes;
    return {bytes.begin(), bytes.end()};
  }

  // -- What was heard --------------------------------------------------------
  bool established = false;
  int refused_status = -1;
  std::string refused_reason;
  bool draining = false;
  int closed = 0;
  CloseCode close_code{};
  std::string close_reason;
  bool closed_by_peer = false;
  std::map<StreamId, Received> streams;
  std::vector<std::vector<uint8_t>> datagrams;
  std::vector<StreamId> stopped;
  size_t datagrams_refused = 0;
  size_t blocked = 0;
  size_t unblocked = 0;
  size_t credit_events = 0;
  std::deque<SendItem> queue;
  std::map<StreamId, bool> blocked_streams;

  // -- SessionVisitor --------------------------------------------------------
  void on_established() override {
    established = true;
    if (on_open) on_open();
  }
  void on_refused(int status, std::string_view reason) override {
    refused_status = status;
    refused_reason = reason;
  }
  void on_stream_data(StreamId stream, bool bidirectional, Bytes bytes,
                      bool fin, Time) override {
    Received& received = streams[stream];
    received.bidirectional = bidirectional;
    received.bytes.insert(received.bytes.end(), bytes.begin(), bytes.end());
    received.fin |= fin;
    if (release) session->release_credit(stream, bytes.size());
    if (on_data) on_data(stream, bytes, fin);
    if (echo && bidirectional) send(stream, raw_packet(bytes), fin);
    if (echo && !bidirectional && fin) {
      auto answer = session->open_uni();
      if (answer) send(*answer, raw_packet(received.bytes), true);
    }
  }
  void on_stream_reset(StreamId stream, Time) override {
    streams[stream].reset = true;
  }
  void on_datagram(Bytes payload, Time) override {
    datagrams.emplace_back(payload.begin(), payload.end());
    if (echo) send_datagram(raw_packet(payload));
  }
  void on_draining() override { draining = true; }
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override {
    ++closed;
    close_code = code;
    close_reason = reason;
    closed_by_peer = by_peer;
  }

  // -- SendSource ------------------------------------------------------------
  SendItem next(Time) override {
    for (size_t i = 0; i < queue.size(); ++i) {
      SendItem item = queue[i];
      if (item.kind == SendItem::Kind::stream && blocked_streams[item.stream])
        continue;
      item.more = i + 1 < queue.size();
      current = i;
      return item;
    }
    return {};
  }
  void consumed(const SendItem&, size_t size, bool fin) override {
    SendItem& item = queue[current];
    item.bytes = item.bytes.subspan(size);
    if (item.bytes.empty() && item.fin == fin)
      queue.erase(queue.begin() + static_cast<ptrdiff_t>(current));
  }
  void datagram_refused(const SendItem&) override {
    ++datagrams_refused;
    queue.erase(queue.begin() + static_cast<ptrdiff_t>(current));
  }
  void stream_blocked(StreamId stream) override {
    ++blocked;
    blocked_streams[stream] = true;
  }
  void stream_unblocked(StreamId stream) override {
    ++unblocked;
    blocked_streams[stream] = false;
  }
  void stream_stopped(StreamId stream) override {
    stopped.push_back(stream);
    std::erase_if(queue, [stream](const SendItem& item) {
      return item.kind == SendItem::Kind::stream && item.stream == stream;
    });
  }
  void streams_available() override { ++credit_events; }

 private:
  size_t current = 0;
};

struct NetworkConfig {
  uint32_t seed = 1;
  Duration delay = 10ms;
  Duration jitter{0};  // added at random: reorders
  double loss = 0;
  double duplicate = 0;
  size_t max_datagram = 1500;  // larger ones vanish, as on a path
};

// Owner of one side. A side has at most one connection at a time.
class Side : public ConnectionOwner {
 public:
  explicit Side(uint8_t tag) : tag_(tag) {}

  std::unique_ptr<Connection> connection;
  Peer peer;
  std::vector<ConnectRequest> requests;
  std::vector<ConnectionId> ids;
  size_t ids_retired = 0;
  std::vector<Path> new_paths;
  // Server: what to do with a CONNECT; unset: accept.
  std::function<void(Connection&, const ConnectRequest&)> decide;

  void accept(Connection& target) { peer.session = &target.accept(peer, peer); }

  void on_connect_request(Connection& target,
                          const ConnectRequest& request) override {
    requests.push_back(request);
    if (decide) return decide(target, request);
    accept(target);
  }
  void on_new_connection_id(Connection&, const ConnectionId& id) override {
    ids.push_back(id);
  }
  void on_retired_connection_id(Connection&, const ConnectionId& id) override {
    ++ids_retired;
    std::erase(ids, id);
  }
  ConnectionId make_connection_id() override {
    ConnectionId id;
    id.size = 16;
    id.bytes[0] = tag_;
    for (int i = 0; i < 4; ++i)
      id.bytes[1 + i] = static_cast<uint8_t>(next_id_ >> (8 * i));
    ++next_id_;
    return id;
  }
  void on_path_changed(Connection&, const Path& path) override {
    new_paths.push_back(path);
  }

 private:
  uint8_t tag_;
  uint32_t next_id_ = 0;
};

// The two sides and all that is between them.
class Simulation {
 public:
  explicit Simulation(NetworkConfig config = {})
      : network(config), random_(config.seed) {
    server_config.static_secret.fill(7);
    auto tls = TlsContext::create_server({}, std::chrono::system_clock::now());
    if (tls) server_config.tls = *tls;
    TlsClientConfig client_tls;
    if (tls) client_tls.certificate_hashes = (*tls)->certificate_hashes();
    if (auto made = TlsContext::create_client(client_tls))
      client_config.tls = *made;
    client_config.static_secret.fill(9);
  }

  NetworkConfig network;
  ConnectionConfig server_config;
  ConnectionConfig client_config;
  Side server{0x53};
  Side client{0x43};
  Time now{1000s};
  sockaddr_storage server_address = ipv4("192.0.2.1", 4433);
  sockaddr_storage client_address = ipv4("192.0.2.2", 50000);
  // What the server sees as the client's address: a NAT's.
  sockaddr_storage nat_address = client_address;
  bool use_retry = false;
  size_t retries = 0;
  size_t resets = 0;
  size_t budget = 0;
  std::string path = "/meet/test?token=secret&v=1";
  std::string origin;
  std::string server_name = "localhost";
  uint64_t datagrams_to_server = 0;
  uint64_t datagrams_to_client = 0;
  size_t trains_to_client = 0;
  SessionVisitor* client_visitor = &client.peer;
  SendSource* client_source = &client.peer;
  // Makes another server connection than ours; it need not name its ids.
  std::function<void(const Connection::ServerStart&)> open_server;
  bool server_takes_all = false;
  // Sees and may change each datagram before it is sent; false: swallow it.
  std::function<bool(bool to_server, std::vector<uint8_t>&)> tamper;

  bool connect() {
    Connection::ClientStart start;
    start.path = make_path(client_address, server_address);
    start.authority = "localhost:4433";
    start.server_name = server_name;
    start.path_and_query = path;
    start.origin = origin;
    start.visitor = client_visitor;
    start.source = client_source;
    auto made = Connection::connect(client_config, client, start, now);
    if (!made) return false;
    client.connection = std::move(*made);
    client.peer.on_open = [this] {
      client.peer.session = client.connection->session();
    };
    return true;
  }

  // Connects and waits for the session.
  bool establish() {
    return connect() && run_until([this] { return established(); });
  }
  bool established() {
    return client.peer.session != nullptr && server.peer.session != nullptr;
  }

  // Advances from event to event until |done| or |limit| of simulated time.
  bool run_until(const std::function<bool()>& done, Duration limit = 30s) {
    const Time end = now + limit;
    for (;;) {
      flush();
      if (done()) return true;
      const Time next = next_event();
      if (next > end) {
        now = end;
        return done();
      }
      now = std::max(now, next);
      step();
    }
  }
  void run_for(Duration duration) {
    run_until([] { return false; }, duration);
  }
  // Lets both sides write what they want to at this time.
  void flush() {
    for (int turn = 0; turn < 1000; ++turn) {
      const bool a = flush_side(client, true);
      const bool b = flush_side(server, false);
      if (!a && !b) return;
    }
  }

 private:
  struct InFlight {
    bool to_server;
    std::vector<uint8_t> bytes;
    unsigned ecn;
    sockaddr_storage from;
  };

  class Sink : public PacketSink {
   public:
    Sink(Simulation& simulation, bool to_server)
        : simulation_(simulation), to_server_(to_server) {}
    void send(const Path&, Bytes bytes, size_t segment_size,
              unsigned ecn) override {
      if (!to_server_) ++simulation_.trains_to_client;
      while (!bytes.empty()) {
        const Bytes segment = bytes.first(std::min(segment_size, bytes.size()));
        bytes = bytes.subspan(segment.size());
        simulation_.transmit(to_server_, segment, ecn);
      }
    }

   private:
    Simulation& simulation_;
    bool to_server_;
  };

  double chance() {
    return std::uniform_real_distribution<double>(0, 1)(random_);
  }

  void transmit(bool to_server, Bytes bytes, unsigned ecn) {
    ++(to_server ? datagrams_to_server : datagrams_to_client);
    std::vector<uint8_t> copy(bytes.begin(), bytes.end());
    if (tamper && !tamper(to_server, copy)) return;
    if (copy.size() > network.max_datagram) return;
    if (chance() < network.loss) return;
    const int copies = chance() < network.duplicate ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
      const auto jitter = Duration(static_cast<int64_t>(
          chance() * static_cast<double>(network.jitter.count())));
      in_flight_.emplace(now + network.delay + jitter,
                         InFlight{to_server, copy, ecn,
                                  to_server ? nat_address : server_address});
    }
  }

  bool flush_side(Side& side, bool is_client) {
    if (!side.connection || !side.connection->wants_write(now)) return false;
    Sink sink(*this, is_client);
    side.connection->write(sink, budget, now);
    return true;
  }

  Time next_event() {
    Time next = Time::max();
    if (!in_flight_.empty()) next = in_flight_.begin()->first;
    for (Side* side : {&client, &server})
      if (side->connection)
        next = std::min(next, side->connection->next_timer());
    return next;
  }

  void step() {
    while (!in_flight_.empty() && in_flight_.begin()->first <= now) {
      InFlight packet = std::move(in_flight_.begin()->second);
      in_flight_.erase(in_flight_.begin());
      if (packet.to_server) {
        to_server(packet);
      } else if (client.connection) {
        client.connection->receive(make_path(client_address, server_address),
                                   packet.bytes, packet.ecn, now);
      }
    }
    for (Side* side : {&client, &server})
      if (side->connection && side->connection->next_timer() <= now)
        side->connection->on_timer(now);
  }

  void to_server(const InFlight& packet) {
    const Path path = make_path(server_address, packet.from);
    const auto header = parse_header(packet.bytes, 16);
    if (!header) return;
    const bool known =
        server_takes_all || std::find(server.ids.begin(), server.ids.end(),
                                      header->destination) != server.ids.end();
    if (server.connection && known)
      return server.connection->receive(path, packet.bytes, packet.ecn, now);
    uint8_t answer[1500];
    if (!header->long_header) {
      const size_t size =
          write_stateless_reset(answer, server_config.static_secret,
                                header->destination, packet.bytes.size());
      if (size > 0) {
        ++resets;
        transmit(false, {answer, size}, 0);
      }
      return;
    }
    if (!header->supported) {
      const size_t size = write_version_negotiation(answer, packet.bytes);
      if (size > 0) transmit(false, {answer, size}, 0);
      return;
    }
    const auto initial = parse_initial(packet.bytes);
    if (initial && !server.connection) start_server(path, *initial, packet);
  }

  void start_server(const Path& path, const InitialHeader& initial,
                    const InFlight& packet) {
    Connection::ServerStart start;
    start.path = path;
    start.destination = initial.destination;
    start.source = initial.source;
    start.version = initial.version;
    if (use_retry) {
      const auto original = verify_retry_token(server_config.static_secret,
                                               initial, path, 10s, now);
      if (!original) {
        uint8_t answer[1500];
        const size_t size =
            write_retry(answer, server_config.static_secret, initial, path,
                        server.make_connection_id(), now);
        ++retries;
        return transmit(false, {answer, size}, 0);
      }
      start.original_destination = original;
      start.token = initial.token;
    }
    if (open_server) {
      open_server(start);
    } else {
      auto made = Connection::accept_new(server_config, server, start, now);
      if (!made) return;
      server.connection = std::move(*made);
    }
    server.connection->receive(path, packet.bytes, packet.ecn, now);
  }

  std::mt19937 random_;
  std::multimap<Time, InFlight> in_flight_;
};

}  // namespace videocall::quic::testing
