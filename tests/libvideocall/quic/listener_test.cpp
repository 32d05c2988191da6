// SPDX-License-Identifier: MIT
// A listener seen from the network: ports, floods, moving clients, packets
// that belong to nobody.
#include <arpa/inet.h>
#include <poll.h>

#include <cstring>
#include <set>

#include "libvideocall/quic/connection.h"
#include "libvideocall/quic/socket_address.h"
#include "libvideocall/quic/tls.h"
#include "tests/support/server.h"
#include "tests/support/udp_forwarder.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::testing;

namespace {

constexpr size_t kInitialBytes = 1'200;

// A client that opens handshakes and never goes on with them.
class HalfOpen final : public ConnectionOwner, public PacketSink {
 public:
  HalfOpen() {
    TlsClientConfig config;
    config.insecure_skip_verify = true;
    config_.tls = *TlsContext::create_client(config);
  }
  // The first datagram of a new connection to |remote|.
  std::vector<uint8_t> hello(const SocketAddress& local,
                             const SocketAddress& remote) {
    Connection::ClientStart start;
    start.path = {local.storage, local.size, remote.storage, remote.size};
    start.authority = start.server_name = "localhost";
    start.path_and_query = "/";
    NoVisitor visitor;
    NoSource source;
    start.visitor = &visitor;
    start.source = &source;
    sent_.clear();
    auto made = Connection::connect(config_, *this, start, Clock::now());
    ck_assert(made.ok());
    (*made)->write(*this, 0, Clock::now());
    return sent_;
  }

  void on_connect_request(Connection&, const ConnectRequest&) override {}
  void on_new_connection_id(Connection&, const ConnectionId&) override {}
  void on_retired_connection_id(Connection&, const ConnectionId&) override {}
  ConnectionId make_connection_id() override {
    ConnectionId id;
    id.size = 8;
    const uint64_t number = ++ids_;
    std::memcpy(id.bytes.data(), &number, sizeof number);
    return id;
  }
  void on_path_changed(Connection&, const Path&) override {}
  void send(const Path&, Bytes bytes, size_t segment_size, unsigned) override {
    if (sent_.empty()) {
      const Bytes first =
          bytes.subspan(0, std::min(segment_size, bytes.size()));
      sent_.assign(first.begin(), first.end());
    }
  }

 private:
  struct NoVisitor final : SessionVisitor {
    void on_established() override {}
    void on_refused(int, std::string_view) override {}
    void on_stream_data(StreamId, bool, Bytes, bool, Time) override {}
    void on_stream_reset(StreamId, Time) override {}
    void on_datagram(Bytes, Time) override {}
    void on_draining() override {}
    void on_closed(CloseCode, std::string_view, bool) override {}
  };
  struct NoSource final : SendSource {
    SendItem next(Time) override { return {}; }
    void consumed(const SendItem&, size_t, bool) override {}
    void datagram_refused(const SendItem&) override {}
    void stream_blocked(StreamId) override {}
    void stream_unblocked(StreamId) override {}
    void stream_stopped(StreamId) override {}
    void streams_available() override {}
  };
  ConnectionConfig config_;
  std::vector<uint8_t> sent_;
  uint64_t ids_ = 0;
};

// A plain socket that talks to a listener.
class RawClient {
 public:
  explicit RawClient(uint16_t port)
      : remote_(*SocketAddress::parse("127.0.0.1:" + std::to_string(port))),
        fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    ck_assert_int_eq(connect(fd_.get(), remote_.get(), remote_.size), 0);
    local_.size = sizeof local_.storage;
    getsockname(fd_.get(), local_.get(), &local_.size);
  }
  void send(Bytes bytes) const {
    ck_assert_int_eq(::send(fd_.get(), bytes.data(), bytes.size(), 0),
                     static_cast<ssize_t>(bytes.size()));
  }
  // Empty: nothing came within |timeout|.
  std::vector<uint8_t> receive(int timeout_ms = 30'000) const {
    pollfd entry{fd_.get(), POLLIN, 0};
    if (poll(&entry, 1, timeout_ms) != 1) return {};
    std::vector<uint8_t> bytes(2'048);
    const ssize_t size = recv(fd_.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    return bytes;
  }
  const SocketAddress& local() const { return local_; }
  const SocketAddress& remote() const { return remote_; }

 private:
  SocketAddress remote_;
  SocketAddress local_;
  UniqueFd fd_;
};

std::vector<uint8_t> short_header(size_t size, uint8_t shard = 0) {
  std::vector<uint8_t> packet(size, 0x5a);
  packet[0] = 0x40;
  packet[1] = shard;
  return packet;
}

// Another program's socket on a port of its own.
UniqueFd hold_port(const char* address, bool share, uint16_t& port) {
  auto bound = *SocketAddress::parse(address);
  UniqueFd fd(socket(bound.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int on = share;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  ck_assert_int_eq(bind(fd.get(), bound.get(), bound.size), 0);
  getsockname(fd.get(), bound.get(), &bound.size);
  port = bound.port();
  return fd;
}

void expect_in_use(uint16_t port, const std::string& host) {
  EndpointConfig config = listener_config(2);
  config.addresses = {host + ":" + std::to_string(port)};
  Runner runner(config, false);
  ck_assert(!runner);
  ck_assert(runner.error().code == Errc::address_in_use);
  ck_assert(runner.error().message.find(std::to_string(port)) !=
            std::string::npos);
}

bool has_ipv6() {
  UniqueFd fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  auto loopback = *SocketAddress::parse("[::1]:0");
  return fd && bind(fd.get(), loopback.get(), loopback.size) == 0;
}

}  // namespace

VC_TEST(a_port_that_is_held_is_an_error) {
  uint16_t port = 0;
  const UniqueFd plain = hold_port("127.0.0.1:0", false, port);
  expect_in_use(port, "127.0.0.1");
  // One that shares its port would let us in silently.
  const UniqueFd shared = hold_port("127.0.0.1:0", true, port);
  expect_in_use(port, "127.0.0.1");
  const UniqueFd wild = hold_port("0.0.0.0:0", true, port);
  expect_in_use(port, "127.0.0.1");
}

VC_TEST(a_second_endpoint_on_the_port_is_an_error) {
  Runner first(listener_config(2));
  expect_in_use(first->port(), "127.0.0.1");
  expect_in_use(first->port(), "0.0.0.0");
}

VC_TEST(a_port_held_on_one_family_is_an_error) {
  if (!has_ipv6()) return;
  uint16_t port = 0;
  const UniqueFd held = hold_port("[::1]:0", true, port);
  EndpointConfig config = listener_config();
  config.addresses = {"127.0.0.1:" + std::to_string(port),
                      "[::1]:" + std::to_string(port)};
  Runner runner(config, false);
  ck_assert(!runner && runner.error().code == Errc::address_in_use);
}

VC_TEST(both_families_are_served_on_one_port) {
  if (!has_ipv6()) return;
  EndpointConfig config = listener_config(2);
  config.addresses = {"127.0.0.1:0", "[::1]:0"};
  Server server(config);
  EndpointConfig six = server.call();
  six.url = "https://[::1]:" + std::to_string(server.runner->port()) +
            "/meet/demo?token=t";
  Runner over_four(server.call());
  Runner over_six(six);
  ck_assert(has_session(over_four));
  ck_assert(has_session(over_six));
}

VC_TEST(wildcard_addresses_answer_from_the_one_that_was_asked) {
  EndpointConfig config = listener_config();
  config.addresses = {"0.0.0.0:0"};
  Server server(config);
  EndpointConfig call = server.call();
  // Replies from 127.0.0.1 would not reach a socket connected to 127.0.0.2.
  call.url = "https://127.0.0.2:" + std::to_string(server.runner->port()) +
             "/meet/demo?token=t";
  Runner client(call);
  ck_assert(has_session(client));
}

VC_TEST(a_flood_of_handshakes_leads_to_retry) {
  Server server;
  HalfOpen flood;
  RawClient raw(server.runner->port());
  // In steps, so that no socket buffer overflows.
  for (size_t sent = 0; sent < limits::kRetryAboveHandshakes + 64;) {
    for (int i = 0; i < 16; ++i, ++sent)
      raw.send(flood.hello(raw.local(), raw.remote()));
    const uint64_t expected = sent;
    for (int tries = 0; tries < 3'000; ++tries) {
      const EndpointStats stats = server.runner->endpoint_stats();
      if (stats.handshakes + stats.retries >= expected) break;
      std::this_thread::sleep_for(1ms);
    }
  }
  const EndpointStats stats = server.runner->endpoint_stats();
  ck_assert_uint_eq(stats.handshakes, limits::kRetryAboveHandshakes);
  ck_assert_uint_eq(stats.retries, 64);
  // An honest client proves its address and gets in all the same.
  Runner client(server.call());
  ck_assert(has_session(client));
  ck_assert_uint_ge(server.runner->endpoint_stats().retries, 65);
}

// Who is here is served between one turn's handshakes and the next's.
VC_TEST(a_turn_begins_only_so_many_handshakes) {
  Runner server(listener_config(), false);
  HalfOpen crowd;
  RawClient raw(server->port());
  constexpr size_t kAll = 3 * limits::kMaxHandshakesPerTurn + 1;
  for (size_t i = 0; i < kAll; ++i)
    raw.send(crowd.hello(raw.local(), raw.remote()));
  Recorder nobody;
  uint64_t begun = 0;
  for (int turns = 0; begun < kAll && turns < 100; ++turns) {
    ck_assert(server->run_once(0, nobody, 1s).ok());
    const uint64_t now = server->endpoint_stats().handshakes;
    ck_assert_uint_le(now - begun, limits::kMaxHandshakesPerTurn);
    begun = now;
  }
  ck_assert_uint_eq(begun, kAll);
}

VC_TEST(more_handshakes_than_may_be_pending_are_not_answered) {
  EndpointConfig config = listener_config();
  config.max_pending_handshakes = 16;
  Server server(config);
  HalfOpen flood;
  RawClient raw(server.runner->port());
  for (int i = 0; i < 24; ++i) raw.send(flood.hello(raw.local(), raw.remote()));
  for (int tries = 0; tries < 3'000; ++tries) {
    const EndpointStats stats = server.runner->endpoint_stats();
    if (stats.handshakes + stats.refused >= 24) break;
    std::this_thread::sleep_for(1ms);
  }
  const EndpointStats stats = server.runner->endpoint_stats();
  ck_assert_uint_eq(stats.handshakes, 16);
  ck_assert_uint_eq(stats.refused, 8);
}

VC_TEST(garbage_opens_no_connection) {
  Server server;
  HalfOpen owner;
  RawClient raw(server.runner->port());
  for (int i = 0; i < 64; ++i) {
    auto hello = owner.hello(raw.local(), raw.remote());
    for (size_t at = 100; at < hello.size(); ++at) hello[at] ^= 0x55;
    raw.send(hello);
  }
  Runner client(server.call());  // behind the garbage in the same queue
  ck_assert(has_session(client));
  ck_assert_uint_eq(server.runner->endpoint_stats().handshakes, 0);
}

VC_TEST(an_unknown_short_header_gets_a_stateless_reset) {
  Server server(2);
  RawClient raw(server.runner->port());
  for (const uint8_t shard : {uint8_t{0}, uint8_t{1}, uint8_t{200}}) {
    raw.send(short_header(60, shard));
    const auto reset = raw.receive();
    ck_assert(!reset.empty());
    ck_assert_uint_lt(reset.size(), 60);  // so that two of them fall silent
    ck_assert_uint_eq(reset[0] & 0xc0, 0x40);
  }
  raw.send(short_header(10));
  ck_assert(raw.receive(100).empty());
}

VC_TEST(stateless_resets_are_rationed) {
  Server server;
  RawClient raw(server.runner->port());
  for (int i = 0; i < 3'000; ++i) raw.send(short_header(60));
  // Still serving, and everything before has been handled.
  Runner client(server.call());
  ck_assert(has_session(client));
  const uint64_t resets = server.runner->endpoint_stats().resets;
  ck_assert_uint_ge(resets, 1);
  ck_assert_uint_lt(resets, 2'000);
}

VC_TEST(an_unknown_version_is_negotiated) {
  Server server;
  RawClient raw(server.runner->port());
  std::vector<uint8_t> packet(kInitialBytes, 0);
  const uint8_t head[] = {0xc0, 0x1a, 0x2a, 0x3a, 0x4a,  // version
                          8,    1,    2,    3,    4,    5, 6, 7, 8, 0};
  std::copy(std::begin(head), std::end(head), packet.begin());
  raw.send(packet);
  const auto answer = raw.receive();
  ck_assert_uint_gt(answer.size(), 7);
  const uint8_t zero[4] = {};
  ck_assert_int_eq(std::memcmp(answer.data() + 1, zero, 4), 0);
  packet.resize(kInitialBytes - 1);  // no connection could begin so
  raw.send(packet);
  ck_assert(raw.receive(100).empty());
}

VC_TEST(a_client_whose_address_changes_keeps_its_session) {
  Server server(2);
  UdpForwarder forwarder(server.runner->port());
  EndpointConfig call = server.call();
  call.url = "https://127.0.0.1:" + std::to_string(forwarder.port()) +
             "/meet/demo?token=t";
  Runner client(call);
  ck_assert(has_session(client));
  size_t echoes = 0;
  // Until an address fell on the other shard's socket; 2^-30 that none does.
  for (int i = 0; i < 30; ++i) {
    forwarder.move();
    const PacketRef frame =
        media({.group = echoes + 1, .keyframe = true, .size = 5'000});
    client->send({&frame, 1});
    ++echoes;
    ck_assert(client.recorder().wait(
        [&](const auto& s) { return media_count(s) == echoes; }));
    if (i >= 3 && server.runner->endpoint_stats().forwarded > 0) break;
  }
  ck_assert_uint_gt(server.runner->endpoint_stats().forwarded, 0);
  ck_assert_uint_eq(server.runner->session_count(), 1);
}

VC_SUITE_MAIN("quic/listener")
