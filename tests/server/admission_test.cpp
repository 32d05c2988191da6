// SPDX-License-Identifier: MIT
#include "server/admission.h"

#include <condition_variable>
#include <string>

#include "libvideocall/wire/limits.h"
#include "tests/server/fake_relay.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::server;
using videocall::testing::FakeRelay;

namespace {

UnixTime now() {
  return std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now());
}

// Admission with all its parts; |ask| puts a request and waits for the answer.
struct Gate {
  Gate() {
    OriginSet origins;
    origins.add("http://localhost:8080");
    admission.set_origins(std::move(origins));
  }

  std::string token(UnixTime at = now(), const std::string& origin = "") {
    TokenClaims claims;
    claims.user_id = "alice";
    claims.meeting = "demo";
    claims.audience = "node-1";
    claims.display_name = "Alice";
    claims.origin = origin;
    claims.role = 1;
    return *signer.issue(claims, at);
  }

  FakeRelay::Answer ask(SessionRequest request) {
    request.id = ++last_id;
    if (request.meeting.empty()) request.meeting = "demo";
    admission.decide(request);
    return relay.wait_for(request.id);
  }

  FakeRelay relay;
  TokenSigner signer{SecretKey::generate(), "videocall"};
  WorkerPool workers{1, 2};
  NodeLoad load{{.max_sessions = 10, .max_cpu_percent = 0}};
  Admission admission{relay, workers, signer, load, "node-1"};
  uint64_t last_id = 0;
};

}  // namespace

VC_TEST(a_good_token_is_admitted_as_it_says) {
  Gate gate;
  const auto answer =
      gate.ask({.token = gate.token(), .remote_address = "192.0.2.1:5"});
  ck_assert(answer.grant.has_value());
  ck_assert(answer.grant->meeting == "demo");
  ck_assert(answer.grant->user_id == "alice");
  ck_assert(answer.grant->display_name == "Alice");
  ck_assert(answer.grant->remote_address == "192.0.2.1:5");
  ck_assert(!answer.grant->token_id.empty());
  ck_assert_uint_eq(answer.grant->role, 1);
  ck_assert_uint_eq(answer.grant->session_id, 0);
  ck_assert(!answer.grant->resumes);
}

VC_TEST(bad_tokens_are_refused_with_401) {
  Gate gate;
  Gate other;
  for (const std::string& token : {std::string(), std::string("rubbish"),
                                   other.token(), gate.token(now() - 61s)})
    ck_assert_uint_eq(gate.ask({.token = token}).status, 401);
  ck_assert_uint_eq(
      gate.ask({.meeting = "other", .token = gate.token()}).status, 401);
}

VC_TEST(a_token_opens_one_session_only) {
  Gate gate;
  const std::string token = gate.token();
  const auto first = gate.ask({.token = token});
  ck_assert(first.grant.has_value());
  // Both transports of a race may connect; the first CONNECTION spends it.
  ck_assert(gate.ask({.token = token}).grant.has_value());
  gate.admission.spend(first.grant->token_id);
  const auto replayed = gate.ask({.token = token});
  ck_assert_uint_eq(replayed.status, 401);
  ck_assert(replayed.reason.find("used before") != std::string::npos);
}

VC_TEST(a_bad_meeting_id_is_refused_with_400) {
  Gate gate;
  ck_assert_uint_eq(gate.ask({.meeting = "a b", .token = gate.token()}).status,
                    400);
}

VC_TEST(wrong_origins_are_refused_with_403) {
  Gate gate;
  const auto from = [&](const char* origin) {
    return gate.ask({.token = gate.token(), .origin = origin});
  };
  ck_assert(from("http://localhost:8080").grant.has_value());
  ck_assert_uint_eq(from("http://evil.example").status, 403);
  ck_assert_uint_eq(from("null").status, 403);
  // The page that did the join may also connect.
  const std::string lan = "https://lan.box:8443";
  ck_assert(gate.ask({.token = gate.token(now(), lan), .origin = lan})
                .grant.has_value());
}

VC_TEST(a_resume_secret_gives_the_session_back) {
  Gate gate;
  const auto resumed = gate.ask({.token = gate.token(), .resume = "right"});
  ck_assert(resumed.grant->resumes);
  ck_assert_uint_eq(resumed.grant->session_id, 4711);
  const auto anew = gate.ask({.token = gate.token(), .resume = "wrong"});
  ck_assert(!anew.grant->resumes);
  ck_assert_uint_eq(anew.grant->session_id, 0);
}

VC_TEST(draining_and_overload_are_503) {
  Gate gate;
  // The only worker is held, and two jobs fill the queue.
  std::mutex mutex;
  std::condition_variable wake;
  bool held = false;
  bool release = false;
  ck_assert(gate.workers.post([&] {
    std::unique_lock lock(mutex);
    held = true;
    wake.notify_all();
    wake.wait(lock, [&] { return release; });
  }));
  {
    std::unique_lock lock(mutex);
    wake.wait(lock, [&] { return held; });
  }
  while (gate.workers.post([] {})) {
  }
  ck_assert_uint_eq(gate.ask({.token = gate.token()}).status, 503);
  {
    const std::lock_guard lock(mutex);
    release = true;
  }
  wake.notify_all();
  gate.admission.refuse_all();
  const auto refused = gate.ask({.token = gate.token()});
  ck_assert_uint_eq(refused.status, 503);
  ck_assert(refused.reason.find("draining") != std::string::npos);
}

VC_TEST(a_reason_never_holds_the_token) {
  Gate gate;
  const std::string token = gate.token(now() - 61s);
  ck_assert(gate.ask({.token = token}).reason.find(token.substr(0, 12)) ==
            std::string::npos);
}

VC_TEST(stopping_the_workers_runs_what_waits) {
  std::atomic<int> ran{0};
  WorkerPool pool(2, 100);
  for (int i = 0; i < 50; ++i) ck_assert(pool.post([&] { ++ran; }));
  pool.stop();
  ck_assert_int_eq(ran, 50);
  ck_assert(!pool.post([] {}));
}

VC_TEST(a_full_node_refuses_newcomers_and_takes_back_its_own) {
  Gate gate;
  gate.load.update({.sessions = 10}, Clock::now());
  const auto refused = gate.ask({.token = gate.token()});
  ck_assert_uint_eq(refused.status, 503);
  ck_assert(refused.reason == explain(Full::sessions));
  const auto resumed = gate.ask({.token = gate.token(), .resume = "right"});
  ck_assert(resumed.grant.has_value());
  ck_assert_uint_eq(resumed.grant->session_id, 4711);
  gate.load.update({.sessions = 9}, Clock::now());
  ck_assert(gate.ask({.token = gate.token()}).grant.has_value());
}

VC_TEST(nobody_gets_in_when_spent_tokens_cannot_be_remembered) {
  Gate gate;
  for (size_t i = 0; i + 1 < limits::kMaxSpentTokensPerNode; ++i)
    gate.admission.spend(std::to_string(i));
  ck_assert(gate.ask({.token = gate.token()}).grant.has_value());
  gate.admission.spend("one more");
  const auto refused = gate.ask({.token = gate.token()});
  ck_assert_uint_eq(refused.status, 503);
}

VC_SUITE_MAIN("server/admission")
