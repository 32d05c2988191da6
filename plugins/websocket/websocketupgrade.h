// SPDX-License-Identifier: MIT
// HTTP requests that ask to become WebSockets: from the moment a server hands
// one over until it was refused, or its connection is ours. libsoup wants a
// message be touched by the thread of its server alone; decisions come from
// any.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libvideocall/base/result.h"
#include "libvideocall/base/time.h"
#include "libvideocall/quic/endpoint.h"
#include "plugins/websocket/websocketloop.h"

using SoupServerMessage = struct _SoupServerMessage;  // NOLINT: libsoup's name

namespace videocall::websocket {

// A request that waits for the decision, or for its 101 to go out.
struct Upgrade;

class UpgradeDesk : public std::enable_shared_from_this<UpgradeDesk> {
 public:
  using Refusal = std::optional<quic::ConnectRefusal>;
  using Seat = quic::SessionQuota::Seat;
  // What it needs of the listener. Called until close(), on the thread of the
  // server.
  struct Host {
    // Why no session of this address ("ADDR:PORT") may be opened now.
    std::function<Refusal(const std::string& address)> check;
    // The same; counts the session if there is nothing.
    std::function<Refusal(const std::string& address, Seat&)> take;
    std::function<void(AdoptCommand)> done;
    // A request was refused.
    std::function<void(quic::ConnectRefusal)> refused;
  };
  UpgradeDesk(Host host, Duration timeout)
      : host_(std::move(host)), timeout_(timeout) {}

  // On the thread of |message|'s server, in its request handler. The message
  // is answered in any case; if that takes a decision, |ask| is called with
  // the request, before this returns.
  void take(SoupServerMessage* message, const std::string& remote_address,
            const std::function<void(const quic::SessionRequest&)>& ask);

  // Any thread. Ids that were answered or whose client has gone are ignored.
  void admit(uint64_t request_id, std::shared_ptr<void> grant);
  void refuse(uint64_t request_id, int status, std::string_view reason);
  // 503 for all that wait.
  void refuse_all(std::string_view reason);
  // The listener ends: as refuse_all(), and the host is not called again.
  void close();

 private:
  using UpgradePtr = std::shared_ptr<Upgrade>;
  bool register_waiting(const UpgradePtr& upgrade);
  void start_timer(Upgrade& upgrade);
  UpgradePtr remove(uint64_t request_id);
  void refuse(const UpgradePtr& upgrade, quic::ConnectRefusal why, int status,
              std::string_view reason);
  void turn_away(SoupServerMessage* message, quic::ConnectRefusal why,
                 int status, const std::string& reason);
  // Why not, answered; by |ask| of the host.
  bool turned_away(SoupServerMessage* message,
                   const std::function<Refusal(const Host&)>& ask);
  void decide(const UpgradePtr& upgrade, std::function<void()> task);
  void accept(const UpgradePtr& upgrade);
  void on_switched(const UpgradePtr& upgrade);
  void with_host(const std::function<void(const Host&)>& call);

  std::mutex host_mutex_;  // guards the pointer in host_ against close()
  Host host_;
  bool closed_ = false;
  const Duration timeout_;
  std::mutex mutex_;  // guards what follows
  std::map<uint64_t, UpgradePtr> waiting_;
  uint64_t last_id_ = 0;
};

}  // namespace videocall::websocket
