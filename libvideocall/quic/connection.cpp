// SPDX-License-Identifier: MIT
#include "libvideocall/quic/connection.h"

#include <arpa/inet.h>

#include <algorithm>

#include "libvideocall/quic/h3_session.h"
#include "libvideocall/quic/quic_transport.h"

namespace videocall::quic {
namespace {

// How long a client waits for the answer to its CONNECT: the server's time to
// decide, and a little for the network.
constexpr Duration kAnswerTimeout = limits::kAdmissionTimeout + 5s;

std::string numeric_address(const Path& path) {
  char text[INET6_ADDRSTRLEN] = {};
  const auto* address = reinterpret_cast<const sockaddr*>(&path.remote);
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr,
              text, sizeof(text));
  } else if (address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6,
              &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
              sizeof(text));
  }
  return text;
}

class ConnectionImpl final : public Connection, RouteEvents, ConnectHandler {
 public:
  ConnectionImpl(bool server, const ConnectionConfig& config,
                 ConnectionOwner& owner, const Path& path, Time now)
      : owner_(owner),
        path_(path),
        session_(server, transport_, *this,
                 server ? config.handshake_timeout : kAnswerTimeout,
                 config.max_lifetime_uni_streams),
        transport_(config, session_, *this, now) {}

  Result<void> start(const ServerStart& start) {
    return transport_.start_server(start);
  }
  Result<void> start(const ClientStart& start) {
    session_.prepare_request(start);
    return transport_.start_client(start);
  }

  WebTransportSession& accept(SessionVisitor& visitor,
                              SendSource& source) override {
    session_.accept(visitor, source);
    return session_;
  }
  void refuse(int status, std::string_view reason) override {
    session_.refuse(status, reason);
  }
  WebTransportSession* session() override {
    return session_.answered() ? &session_ : nullptr;
  }

  void receive(const Path& path, Bytes datagram, unsigned ecn,
               Time now) override {
    session_.deliver();
    transport_.receive(path, datagram, ecn, now);
    session_.deliver();
  }
  void write(PacketSink& sink, size_t budget, Time now) override {
    session_.deliver();
    transport_.write(sink, budget, now);
    session_.deliver();
  }
  void on_timer(Time now) override {
    session_.deliver();
    transport_.on_timer(now);
    session_.on_deadline(now);
    session_.deliver();
  }
  Time next_timer() const override {
    if (session_.has_reports()) return Time::min();
    return std::min(transport_.next_timer(), session_.deadline());
  }
  bool wants_write(Time now) const override {
    return session_.has_reports() || transport_.wants_write(now);
  }
  bool finished() const override {
    return transport_.finished() && !session_.has_reports();
  }
  bool handshake_done() const override { return transport_.handshake_done(); }
  void abort(uint64_t application_code, Time) override {
    session_.abort(application_code);
  }

 private:
  // RouteEvents
  ConnectionId make_connection_id() override {
    return owner_.make_connection_id();
  }
  void on_new_connection_id(const ConnectionId& id) override {
    owner_.on_new_connection_id(*this, id);
  }
  void on_retired_connection_id(const ConnectionId& id) override {
    owner_.on_retired_connection_id(*this, id);
  }
  void on_path_changed(const Path& path) override {
    path_ = path;
    owner_.on_path_changed(*this, path);
  }

  // ConnectHandler
  void on_connect(const ConnectRequest& request) override {
    ConnectRequest complete = request;
    complete.remote_address = numeric_address(path_);
    owner_.on_connect_request(*this, complete);
  }

  ConnectionOwner& owner_;
  Path path_;
  // The session outlives the transport, whose ngtcp2_conn borrows from it.
  H3Session session_;
  QuicTransport transport_;
};

template <typename Start>
Result<std::unique_ptr<Connection>> make(bool server,
                                         const ConnectionConfig& config,
                                         ConnectionOwner& owner,
                                         const Start& start, Time now) {
  if (!config.tls || config.tls->is_server() != server)
    return Error{Errc::invalid_argument, "a TLS context of the wrong side"};
  auto connection =
      std::make_unique<ConnectionImpl>(server, config, owner, start.path, now);
  if (auto started = connection->start(start); !started) return started.error();
  return std::unique_ptr<Connection>(std::move(connection));
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::accept_new(
    const ConnectionConfig& config, ConnectionOwner& owner,
    const ServerStart& start, Time now) {
  return make(true, config, owner, start, now);
}

Result<std::unique_ptr<Connection>> Connection::connect(
    const ConnectionConfig& config, ConnectionOwner& owner,
    const ClientStart& start, Time now) {
  return make(false, config, owner, start, now);
}

}  // namespace videocall::quic
