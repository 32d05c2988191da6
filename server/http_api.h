// SPDX-License-Identifier: MIT
// The HTTP API: joining a meeting, who is there, how the server is.
// docs/http-api.md lists paths, fields and error codes. Main thread.
#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "libvideocall/auth/token.h"
#include "server/configuration.h"
#include "server/http_message.h"
#include "server/http_metrics.h"
#include "server/meeting_store.h"
#include "server/node_load.h"
#include "server/rate_limiter.h"
#include "server/relay.h"
#include "server/static_files.h"
#include "server/transport_urls.h"
#include "server/worker_pool.h"

namespace videocall::server {

class HttpApi {
 public:
  // All are borrowed and outlive this; |workers| is stopped before this goes.
  struct Parts {
    const Configuration& configuration;
    const TransportUrls& urls;
    const TokenSigner& signer;
    const std::string& node_id;
    MeetingStore& store;
    WorkerPool& workers;
    Relay& relay;
    const NodeLoad& load;
  };
  explicit HttpApi(Parts parts);

  // Answers |request| now or, after a worker was asked, later.
  void handle(const HttpRequest& request, const HttpReply& reply);

  const HttpMetrics& metrics() const { return metrics_; }

  // As SIGHUP: takes what of |configuration| may change.
  void reload(const Configuration& configuration);

  // From now on joins get 503 DRAINING and /readyz says so.
  void set_draining() { draining_ = true; }

 private:
  struct Join {
    std::string meeting;
    std::string user_id;
    std::string display_name;
    std::string origin;
    std::string cookie;      // the creation cookie that came; may be empty
    std::string new_cookie;  // the one to set if this join creates
    std::string host;        // the Host header
    std::string local_address;
    std::string remote_address;
    bool secure = false;
  };
  void route(const HttpRequest& request, const HttpReply& reply);
  void handle_meeting(const HttpRequest& request, std::string_view rest,
                      const HttpReply& reply);
  void join(const HttpRequest& request, const std::string& meeting,
            const HttpReply& reply);
  // On a worker.
  bool is_known(const Join& join);
  HttpResponse join_now(const Join& join);
  HttpResponse admit(const Join& join, bool is_host);
  nlohmann::ordered_json transports(const Join& join) const;
  bool is_newcomer(const std::string& meeting, const std::string& user_id);
  // Another server that |join| is to be sent to.
  std::optional<cluster::Heartbeat> other_node(const Join& join);
  void show_meeting(const std::string& meeting, const HttpReply& reply);
  void show_ready(const HttpReply& reply);
  bool is_allowed_origin(const HttpRequest& request) const;
  std::optional<HttpResponse> refusal_of(const HttpRequest& request);

  const Parts parts_;
  const StaticFiles files_;
  OriginSet origins_;
  std::atomic<bool> guests_;
  RateLimiter join_limiter_;
  HttpMetrics metrics_;
  std::atomic<bool> draining_{false};
};

}  // namespace videocall::server
