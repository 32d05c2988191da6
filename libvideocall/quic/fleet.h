// SPDX-License-Identifier: MIT
// Many client sessions in one loop, for load tests: each has a QUIC connection
// and a channel of its own, as a native client has; they share the loop's few
// UDP sockets. Everything belongs to the thread that calls turn().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/quic/channel.h"
#include "libvideocall/quic/congestion_control.h"
#include "libvideocall/quic/impaired_link.h"
#include "libvideocall/wire/close_code.h"
#include "libvideocall/wire/packet.h"

namespace videocall::quic {

// How a session of a fleet ended.
struct FleetEnd {
  bool was_open = false;
  int status = 0;  // HTTP status of a refused CONNECT; 0: none
  CloseCode code = CloseCode::left;
  bool by_peer = false;  // false also after close()
  std::string_view reason;
};

// What happens in the sessions, within turn(); |index| is connect()'s. May call
// send() and close(), and connect() of that index in on_ended.
class FleetVisitor {
 public:
  virtual ~FleetVisitor() = default;
  // CONNECT was accepted.
  virtual void on_open(size_t index, Time now) = 0;
  virtual void on_packet(size_t index, const Packet& packet, Time now) = 0;
  // The server asks to leave soon.
  virtual void on_draining(size_t, Time) {}
  // Once for each connect() that succeeded, unless another takes its place.
  virtual void on_ended(size_t index, const FleetEnd& end, Time now) = 0;
};

struct FleetConfig {
  std::string client_name;  // goes into CONNECTION
  bool insecure_skip_verify = false;
  std::string ca_file;  // PEM, instead of the system's CAs; empty: those
  // Sessions at one server are spread over so many, hence over so many of its
  // shards.
  size_t sockets = 1;
  CongestionControl congestion_control = kDefaultCongestionControl;
};

struct FleetTarget {
  std::string url;                              // with the token; never logged
  std::vector<std::string> certificate_hashes;  // as EndpointConfig's
  Impairment impairment;                        // of what comes from the server
  Impairment uplink;                            // of what goes there
};

class VIDEOCALL_API Fleet {
 public:
  // |visitor| is borrowed.
  static Result<std::unique_ptr<Fleet>> create(FleetConfig config,
                                               FleetVisitor& visitor);
  virtual ~Fleet() = default;

  // Starts session |index| towards |target|; one that was there and has not
  // ended is not heard of any more.
  // Looks up the host and may block on DNS.
  virtual Result<void> connect(size_t index, const FleetTarget& target,
                               Time now) = 0;
  // Under the channel's policy; ignored unless the session is there.
  virtual void send(size_t index, const PacketRef& packet, Time now) = 0;
  virtual void close(size_t index, CloseCode code) = 0;
  virtual ChannelStats stats(size_t index, Time now) const = 0;
  // One turn of the loop, see Endpoint::run_once.
  virtual Result<void> turn(Duration timeout) = 0;
  // Makes turn() return. Any thread.
  virtual void wake() = 0;
};

}  // namespace videocall::quic
