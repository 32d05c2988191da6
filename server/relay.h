// SPDX-License-Identifier: MIT
// What carries the media, as the daemon sees it. The daemon's is a GStreamer
// pipeline (pipeline_relay.h); tests of the HTTP side bring their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/cluster/node_messages.h"
#include "server/statistics.h"

using SoupServerMessage = struct _SoupServerMessage;  // NOLINT: libsoup's name

namespace videocall::server {

// Somebody who opened a transport session and waits to be let in.
struct SessionRequest {
  static constexpr uint32_t kWebSocket = UINT32_MAX;

  uint64_t id = 0;
  uint32_t shard = 0;  // or kWebSocket
  std::string meeting;
  std::string token;
  std::string resume;  // resume secret, base64url; empty: none
  std::string origin;  // Origin header; empty: a native client
  std::string remote_address;
};

// With what somebody is let in; docs/element-contract.md says the meaning.
struct Grant {
  uint64_t session_id = 0;  // 0: a new one
  std::string meeting;
  std::string user_id;
  std::string display_name;
  uint32_t role = 0;  // proto MemberRole
  std::string token_id;
  bool resumes = false;
  std::string remote_address;
};

struct RoomMember {
  uint64_t session_id = 0;
  std::string user_id;
  std::string display_name;
  uint32_t role = 0;
  uint64_t joined_at_ms = 0;  // since the Unix epoch
};

class Relay {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    // On a media thread: must not block.
    virtual void on_session_request(SessionRequest request) = 0;
    // On a media thread, before the session is served: must not block.
    virtual void on_token_spent(const std::string& token_id) = 0;
    // On the main thread, once: it stopped and will not serve again.
    virtual void on_relay_failed(const std::string& why) = 0;
  };

  virtual ~Relay() = default;

  // Opens the ports and serves; |listener| outlives the relay. Errors:
  // address_in_use, not_found (an element or a file), tls, io, each with what
  // to do. Main thread.
  virtual Result<void> start(Listener& listener) = 0;

  // The WebTransport port that was bound. Valid after start().
  virtual uint16_t webtransport_port() const = 0;
  // SHA-256 of its own certificates in base64, the one in use first; empty if
  // the certificate comes from an authority. Any thread.
  virtual std::vector<std::string> certificate_hashes() const = 0;

  // Whether it takes requests to become a WebSocket. Main thread.
  virtual bool serves_websocket() const { return false; }
  // Answers |message|, which asks for that, now or later; the request comes to
  // the listener. |remote_address|: "ADDR:PORT". False: it cannot, and left it
  // alone. Main thread, in the HTTP server's request handler.
  virtual bool take_upgrade(SoupServerMessage*, const std::string&) {
    return false;
  }

  // Any thread. Each request gets exactly one of the two.
  virtual void admit(const SessionRequest& request, const Grant& grant) = 0;
  virtual void refuse(const SessionRequest& request, unsigned status,
                      const std::string& reason) = 0;

  // Any thread.
  virtual std::vector<RoomMember> members(const std::string& meeting) = 0;
  // The session that |secret| lets |user_id| take up again; 0: none.
  virtual uint64_t verify_resume(const std::string& meeting,
                                 const std::string& user_id,
                                 const std::string& secret) = 0;

  // What other servers are told of this one; what it has of its own (its id,
  // its sessions) is filled in. Main thread.
  virtual void describe(const cluster::Heartbeat&) {}
  // This server, first, and the others that are alive; empty: it knows of no
  // others. Any thread.
  virtual std::vector<cluster::Heartbeat> nodes() const { return {}; }

  // What each part of it counts. Any thread.
  virtual std::vector<Statistics> statistics() const = 0;

  // Main thread.
  virtual size_t session_count() const = 0;
  virtual Result<void> reload_certificate() = 0;
  // Asks all clients to move elsewhere.
  virtual void drain() = 0;
  virtual void close_all(unsigned code, const std::string& reason) = 0;
  // Ends it; no call of the listener comes after it.
  virtual void stop() = 0;
};

}  // namespace videocall::server
