// SPDX-License-Identifier: MIT
#include "plugins/common/joinrequest.h"

#include <optional>

#include "tests/support/join_server.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;
using client::JoinAnswer;
using client::JoinFailure;
using gst::JoinOutcome;
using gst::JoinRequest;

namespace {

JoinFailure failure_of(const JoinOutcome& outcome) {
  ck_assert(std::holds_alternative<JoinFailure>(outcome));
  return std::get<JoinFailure>(outcome);
}

// Runs one call to its end.
JoinOutcome call(JoinRequest& request) {
  std::optional<JoinOutcome> outcome;
  request.start([&](JoinOutcome it) { outcome = std::move(it); });
  while (!outcome) g_main_context_iteration(nullptr, TRUE);
  return *outcome;
}

JoinOutcome call(const std::string& location) {
  JoinRequest request({location, "demo", "anna", "Anna", "test/1", false});
  return call(request);
}

}  // namespace

VC_TEST(reads_an_answer) {
  const auto outcome = gst::parse_join_answer(
      200, JoinServer::admitted({{"user_id", "anna"}}, "https://h:1/meet/x",
                                "SGFzaA=="));
  ck_assert(std::holds_alternative<JoinAnswer>(outcome));
  const auto& answer = std::get<JoinAnswer>(outcome);
  ck_assert(answer.user_id == "anna");
  ck_assert(answer.status == "admitted");
  ck_assert(answer.token == "anna.1");
  ck_assert(answer.e2ee == "off");
  ck_assert_uint_eq(answer.transports.size(), 1);
  ck_assert(answer.transports[0].url == "https://h:1/meet/x");
  ck_assert(answer.transports[0].certificate_hashes.at(0) == "SGFzaA==");
}

VC_TEST(reads_a_failure) {
  auto failure = failure_of(gst::parse_join_answer(
      403, JoinServer::failure("NOT_ALLOWED", "The host said no.")));
  ck_assert_int_eq(failure.status, 403);
  ck_assert(failure.code == "NOT_ALLOWED");
  ck_assert(failure.message == "The host said no.");
  failure = failure_of(gst::parse_join_answer(502, "<html>Bad gateway</html>"));
  ck_assert_int_eq(failure.status, 502);
}

VC_TEST(survives_any_answer) {
  for (const char* body :
       {"", "null", "[]", "{}", "{\"result\":1}", "{\"result\":{}}",
        "{\"result\":{\"status\":5,\"transports\":[]}}", "\xff\xfe",
        "{\"result\":{\"status\":\"admitted\",\"transports\":[1,null,{},"
        "{\"certificate_hashes\":3},{\"certificate_hashes\":[4,{}]}],"
        "\"is_host\":\"yes\",\"room_token\":[]}}"}) {
    const auto outcome = gst::parse_join_answer(200, body);
    if (const auto* answer = std::get_if<JoinAnswer>(&outcome))
      ck_assert(answer->token.empty());
    else
      ck_assert(failure_of(outcome).code == "bad-answer");
  }
}

VC_TEST(asks_the_server) {
  nlohmann::json seen;
  std::string meeting;
  JoinServer server([&](const std::string& id, const nlohmann::json& request) {
    seen = request;
    meeting = id;
    return JoinReply{200,
                     JoinServer::admitted(request, "https://h/", "aGFzaA==")};
  });
  const auto outcome = call(server.location() + "/");
  ck_assert(std::holds_alternative<JoinAnswer>(outcome));
  ck_assert(meeting == "demo");
  ck_assert(seen["user_id"] == "anna" && seen["display_name"] == "Anna");
}

VC_TEST(failures_are_told) {
  JoinServer server([](const std::string&, const nlohmann::json&) {
    return JoinReply{503, JoinServer::failure("DRAINING", "Come back later.")};
  });
  ck_assert_int_eq(failure_of(call(server.location())).status, 503);
  server.set_reply({200, std::string(1'000'000, ' ')});
  const auto too_long = failure_of(call(server.location()));
  ck_assert(too_long.message.find("too long") != std::string::npos);
  // Nobody there, and no address at all.
  const auto nobody = failure_of(call("http://127.0.0.1:1"));
  ck_assert_int_eq(nobody.status, 0);
  ck_assert(!nobody.message.empty());
  ck_assert(failure_of(call("nonsense")).code == "bad-location");
  ck_assert(failure_of(call("ftp://localhost")).code == "bad-location");
}

VC_TEST(cancelled_calls_are_silent) {
  JoinServer server([](const std::string&, const nlohmann::json& request) {
    return JoinReply{200, JoinServer::admitted(request, "https://h/", "")};
  });
  int calls = 0;
  JoinRequest request({server.location(), "demo", "a", "", "test/1", false});
  request.start([&](JoinOutcome) { calls += 100; });
  request.cancel();
  request.start([&](JoinOutcome) { calls += 100; });
  std::optional<JoinOutcome> outcome;
  request.start([&](JoinOutcome it) {
    ++calls;
    outcome = std::move(it);
  });
  while (!outcome) g_main_context_iteration(nullptr, TRUE);
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
  ck_assert_int_eq(calls, 1);
}

VC_SUITE_MAIN("plugins/joinrequest")
