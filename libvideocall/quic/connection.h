// SPDX-License-Identifier: MIT
// One QUIC connection with HTTP/3 and at most one WebTransport session, server
// or client side, on ngtcp2 and GnuTLS. Sans-I/O: datagrams and time in,
// datagrams and the next timer out. One thread; the owner (a shard) routes
// datagrams to it by connection id and does all I/O.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/quic/congestion_control.h"
#include "libvideocall/quic/webtransport.h"

namespace videocall::quic {

class TlsContext;  // quic/tls.h

// A UDP address pair. Local matters on machines with several addresses.
struct Path {
  sockaddr_storage local{};
  socklen_t local_size = 0;
  sockaddr_storage remote{};
  socklen_t remote_size = 0;
};

struct ConnectionId {
  std::array<uint8_t, 20> bytes{};
  uint8_t size = 0;
  bool operator==(const ConnectionId&) const = default;
};

// Takes what a connection wants to send: |segments| of |segment_size| bytes
// back to back in |bytes| (the last may be shorter), one GSO train.
class PacketSink {
 public:
  virtual ~PacketSink() = default;
  virtual void send(const Path& path, Bytes bytes, size_t segment_size,
                    unsigned ecn) = 0;
};

// An HTTP/3 extended CONNECT for :protocol webtransport.
struct ConnectRequest {
  std::string authority;
  std::string path;            // with query; holds the token: never log it
  std::string origin;          // empty: a native client
  std::string remote_address;  // numeric, for logs and limits
};

class Connection;

// The owner's side of a connection.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  // Server side: a CONNECT came. Answer, now or later, with
  // Connection::accept or Connection::refuse.
  virtual void on_connect_request(Connection& connection,
                                  const ConnectRequest& request) = 0;
  // Our connection ids, for routing; also the one that the client chose for its
  // first packets. Called for each id as it comes and goes; those that are left
  // when the owner destroys the connection are the owner's to forget.
  virtual void on_new_connection_id(Connection& connection,
                                    const ConnectionId& id) = 0;
  virtual void on_retired_connection_id(Connection& connection,
                                        const ConnectionId& id) = 0;
  // A fresh id of ours must lead packets to the owner: it chooses the bytes.
  // Never the same twice, and always of one size (8 to 20 bytes).
  virtual ConnectionId make_connection_id() = 0;
  // The client's address changed and was validated.
  virtual void on_path_changed(Connection& connection, const Path& path) = 0;
};

struct ConnectionConfig {
  // Shared; outlives the connection.
  std::shared_ptr<TlsContext> tls;
  // Derives stateless reset tokens; the same in all shards. See stateless.h.
  std::array<uint8_t, 32> static_secret{};
  size_t max_open_peer_streams = limits::kMaxOpenPeerStreams;
  uint64_t max_lifetime_uni_streams = limits::kMaxLifetimeUniStreams;
  Duration handshake_timeout = limits::kHandshakeTimeout;
  Duration quic_idle_timeout = limits::kIdleTimeout;
  CongestionControl congestion_control = kDefaultCongestionControl;
};

class Connection {
 public:
  // |initial| is the first datagram's header as parsed by the owner.
  struct ServerStart {
    Path path;
    ConnectionId destination;                          // chosen by the client
    ConnectionId source;                               // the client's
    std::optional<ConnectionId> original_destination;  // after a Retry
    uint32_t version = 0;
    Bytes token;  // of the Retry, empty otherwise
  };
  static Result<std::unique_ptr<Connection>> accept_new(
      const ConnectionConfig& config, ConnectionOwner& owner,
      const ServerStart& start, Time now);

  struct ClientStart {
    // A client's local address must be the same in each receive().
    Path path;
    std::string authority;    // host:port of the URL
    std::string server_name;  // for SNI and certificate verification
    std::string path_and_query;
    std::string origin;                 // empty: none is sent
    SessionVisitor* visitor = nullptr;  // borrowed
    SendSource* source = nullptr;       // borrowed
  };
  static Result<std::unique_ptr<Connection>> connect(
      const ConnectionConfig& config, ConnectionOwner& owner,
      const ClientStart& start, Time now);

  virtual ~Connection() = default;

  // Server side: answers the CONNECT. The session lives as long as the
  // connection; visitor and source are borrowed until on_closed was called.
  // What came early is reported by the next receive, write or on_timer.
  virtual WebTransportSession& accept(SessionVisitor& visitor,
                                      SendSource& source) = 0;
  virtual void refuse(int status, std::string_view reason) = 0;
  // nullptr before the CONNECT is answered.
  virtual WebTransportSession* session() = 0;

  // One datagram from the network; errors end the connection by themselves.
  virtual void receive(const Path& path, Bytes datagram, unsigned ecn,
                       Time now) = 0;
  // Writes what may be written now. |budget| bounds the bytes of one visit
  // (0: no bound), so that one viewer does not hold up the others.
  virtual void write(PacketSink& sink, size_t budget, Time now) = 0;
  // When on_timer must be called next at the latest, and write after it.
  virtual Time next_timer() const = 0;
  virtual void on_timer(Time now) = 0;
  // There is something to write now: queued data that is not blocked, or an
  // expired timer (an ACK alone waits for it). Ask after each batch of
  // receive(), after on_timer() and after everything that may queue data.
  virtual bool wants_write(Time now) const = 0;
  // Over and past its draining period: the owner destroys it.
  virtual bool finished() const = 0;
  virtual bool handshake_done() const = 0;
  // CONNECTION_CLOSE at once, without the capsule's courtesy.
  virtual void abort(uint64_t application_code, Time now) = 0;

  // The owner's slot number for this connection; opaque here.
  uint32_t slot = 0;
};

}  // namespace videocall::quic
