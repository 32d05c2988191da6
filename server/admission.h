// SPDX-License-Identifier: MIT
// Who may open a media session: decides on the relay's session requests, on a
// worker, by token, resume secret and origin.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>

#include "libvideocall/auth/token.h"
#include "server/metrics_text.h"
#include "server/node_load.h"
#include "server/origin.h"
#include "server/relay.h"
#include "server/spent_tokens.h"
#include "server/worker_pool.h"

namespace videocall::server {

class Admission {
 public:
  // All are borrowed and outlive this. |node_id|: the audience that a token
  // must have.
  Admission(Relay& relay, WorkerPool& workers, const TokenSigner& signer,
            const NodeLoad& load, std::string node_id);

  // The origins whose pages may open sessions. Any thread.
  void set_origins(OriginSet origins);

  // Answers |request| soon, by Relay::admit() or Relay::refuse(). Any thread;
  // does not block.
  void decide(const SessionRequest& request);

  // A session began with this token; it opens no other one. Any thread.
  void spend(const std::string& token_id);

  // From now on everybody is refused with 503. Any thread.
  void refuse_all() { draining_ = true; }

  // Any thread.
  void add_metrics(MetricsText& out) const;

 private:
  enum Outcome : size_t {
    kAdmitted,
    kResumed,
    kDraining,
    kOverloaded,
    kFull,
    kBadRequest,
    kUnauthorized,
    kWrongOrigin,
    kOutcomes,
  };
  struct Refusal {
    Outcome outcome;
    unsigned status;
    std::string reason;  // for the log and the peer; without secrets
  };
  void decide_now(const SessionRequest& request);
  bool is_allowed_origin(const std::string& origin) const;
  // The grant, or why not.
  std::variant<Grant, Refusal> judge(const SessionRequest& request);
  void refuse(const SessionRequest& request, const Refusal& refusal);

  // Borrowed.
  Relay& relay_;
  WorkerPool& workers_;
  const TokenSigner& signer_;
  const NodeLoad& load_;
  // Owned.
  const std::string node_id_;
  mutable std::mutex origins_mutex_;  // guards origins_
  OriginSet origins_;
  SpentTokens spent_;
  std::atomic<bool> draining_{false};
  std::array<std::atomic<uint64_t>, kOutcomes> outcomes_{};
};

}  // namespace videocall::server
