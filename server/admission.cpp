// SPDX-License-Identifier: MIT
#include "server/admission.h"

#include "libvideocall/wire/limits.h"
#include "server/log.h"
#include "server/names.h"

namespace videocall::server {
namespace {

UnixTime now_unix() {
  return std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now());
}

}  // namespace

Admission::Admission(Relay& relay, WorkerPool& workers,
                     const TokenSigner& signer, const NodeLoad& load,
                     std::string node_id)
    : relay_(relay),
      workers_(workers),
      signer_(signer),
      load_(load),
      node_id_(std::move(node_id)),
      spent_(kTokenLifetime + kTokenClockSkew) {}

void Admission::decide(const SessionRequest& request) {
  if (draining_) {
    refuse(request, {kDraining, 503, "the server is draining"});
    return;
  }
  if (!workers_.post([this, request] { decide_now(request); }))
    refuse(request, {kOverloaded, 503, "the server is overloaded"});
}

void Admission::set_origins(OriginSet origins) {
  const std::lock_guard lock(origins_mutex_);
  origins_ = std::move(origins);
}

bool Admission::is_allowed_origin(const std::string& origin) const {
  const std::lock_guard lock(origins_mutex_);
  return origins_.contains(origin);
}

void Admission::spend(const std::string& token_id) {
  spent_.add(token_id, Clock::now());
}

void Admission::decide_now(const SessionRequest& request) {
  auto judged = judge(request);
  if (const auto* refusal = std::get_if<Refusal>(&judged)) {
    refuse(request, *refusal);
    return;
  }
  const Grant& grant = std::get<Grant>(judged);
  ++outcomes_[grant.resumes ? kResumed : kAdmitted];
  log_event(LogLevel::info, "admission", "admitted",
            {{"meeting", grant.meeting},
             {"user", grant.user_id},
             {"address", grant.remote_address},
             {"resumes", grant.resumes ? "yes" : "no"}});
  relay_.admit(request, grant);
}

std::variant<Grant, Admission::Refusal> Admission::judge(
    const SessionRequest& request) {
  if (!is_meeting_id(request.meeting))
    return Refusal{kBadRequest, 400, "the meeting id is not valid"};
  const auto claims =
      signer_.verify(request.token, node_id_, request.meeting, now_unix());
  if (!claims) return Refusal{kUnauthorized, 401, claims.error().message};
  if (!spent_.has_room(Clock::now()))
    return Refusal{kOverloaded, 503, "too many tokens were used lately"};
  if (spent_.contains(claims->token_id))
    return Refusal{kUnauthorized, 401, "token refused: it was used before"};
  if (!request.origin.empty() && !is_allowed_origin(request.origin) &&
      request.origin != claims->origin)
    return Refusal{kWrongOrigin, 403,
                   "pages of " + request.origin + " may not join"};
  Grant grant;
  grant.meeting = request.meeting;
  grant.user_id = claims->user_id;
  grant.display_name = claims->display_name;
  grant.role = claims->role;
  grant.token_id = claims->token_id;
  grant.remote_address = request.remote_address;
  // A secret that does not verify (the server was rebuilt, the session is long
  // gone) still has a good token: that is a new session, not a refusal.
  if (!request.resume.empty()) {
    grant.session_id =
        relay_.verify_resume(request.meeting, claims->user_id, request.resume);
    grant.resumes = grant.session_id != 0;
  }
  const Full full = load_.full();
  if (full != Full::no && !grant.resumes)
    return Refusal{kFull, 503, explain(full)};
  return grant;
}

void Admission::refuse(const SessionRequest& request, const Refusal& refusal) {
  ++outcomes_[refusal.outcome];
  log_event(LogLevel::info, "admission", "refused",
            {{"meeting", request.meeting},
             {"address", request.remote_address},
             {"status", std::to_string(refusal.status)},
             {"reason", refusal.reason}});
  relay_.refuse(request, refusal.status, refusal.reason);
}

void Admission::add_metrics(MetricsText& out) const {
  static constexpr const char* kNames[kOutcomes] = {
      "admitted", "resumed",     "draining",     "overloaded",
      "full",     "bad-request", "unauthorized", "wrong-origin"};
  for (size_t i = 0; i < kOutcomes; ++i)
    out.counter("videocall_admissions_total",
                "Requests for a session that were decided, by result.",
                label("result", kNames[i]), static_cast<double>(outcomes_[i]));
  out.gauge("videocall_spent_tokens",
            "Tokens that were used and are remembered until they expire.", "",
            static_cast<double>(spent_.size()));
}

}  // namespace videocall::server
