// SPDX-License-Identifier: MIT
// A node past its limits, seen from outside: who wants in gets an answer at
// once, with a reason and a time, and who is here may come back.
#include <chrono>

#include "tests/server/http_client.h"
#include "tests/server/running_daemon.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;
using namespace videocall::server;

namespace {

// The answer to a newcomer's join once it is |status|.
HttpAnswer join_until(const HttpClient& http, unsigned status) {
  const auto deadline = Clock::now() + 20s;
  HttpAnswer answer = http.join("demo");
  while (answer.status != status && Clock::now() < deadline) {
    std::this_thread::sleep_for(20ms);
    answer = http.join("demo");
  }
  ck_assert_uint_eq(answer.status, status);
  return answer;
}

void assert_full(const HttpAnswer& answer, const std::string& reason) {
  ck_assert_uint_eq(answer.status, 503);
  ck_assert_str_eq(answer.code().c_str(), "NODE_FULL");
  ck_assert_str_eq(answer.header("retry-after").c_str(), "5");
  const auto result = answer.json()["result"];
  ck_assert_str_eq(result.value("reason", "").c_str(), reason.c_str());
  ck_assert(!result.value("message", "").empty());
}

}  // namespace

VC_TEST(one_session_more_than_max_sessions) {
  RunningDaemon daemon([](Configuration& configuration) {
    configuration.max_sessions = 2;
    configuration.join_rate = 0;
  });
  const HttpClient http(daemon.base());
  daemon.on_daemon([&](Daemon&) { daemon.relay().sessions = 1; });
  ck_assert_uint_eq(http.join("demo").status, 200);
  daemon.on_daemon([&](Daemon&) { daemon.relay().sessions = 2; });
  assert_full(join_until(http, 503), "sessions");
  daemon.on_daemon([&](Daemon&) { daemon.relay().sessions = 1; });
  join_until(http, 200);
}

VC_TEST(a_member_comes_back_to_a_full_node) {
  RunningDaemon daemon([](Configuration& configuration) {
    configuration.max_sessions = 2;
    configuration.join_rate = 0;
  });
  const HttpClient http(daemon.base());
  daemon.on_daemon([&](Daemon&) {
    daemon.relay().sessions = 2;
    daemon.relay().people = {{.session_id = 1, .user_id = "ada"}};
  });
  join_until(http, 503);
  const auto named = [](const char* user) {
    return nlohmann::json{{"display_name", "Ada"}, {"user_id", user}};
  };
  ck_assert_uint_eq(http.join("full", named("ada")).status, 200);
  ck_assert_uint_eq(http.join("full", named("eve")).status, 503);
  ck_assert_uint_eq(http.join("other", named("ada")).status, 503);
}

VC_TEST(more_bytes_than_max_bytes_out) {
  RunningDaemon daemon([](Configuration& configuration) {
    configuration.max_bytes_out = 1'000'000;
    configuration.join_rate = 0;
  });
  const HttpClient http(daemon.base());
  ck_assert_uint_eq(http.join("demo").status, 200);
  daemon.on_daemon([&](Daemon&) { daemon.relay().shed_level = 1; });
  assert_full(join_until(http, 503), "bandwidth");
  daemon.on_daemon([&](Daemon&) { daemon.relay().shed_level = 0; });
  join_until(http, 200);
}

VC_TEST(more_cpu_than_max_cpu) {
  RunningDaemon daemon([](Configuration& configuration) {
    configuration.max_cpu = 1;
    configuration.join_rate = 0;
  });
  const HttpClient http(daemon.base());
  std::atomic<bool> stop{false};
  std::thread burner([&] {
    while (!stop) {
    }
  });
  assert_full(join_until(http, 503), "cpu");
  stop = true;
  burner.join();
}

VC_SUITE_MAIN("server-limits")
