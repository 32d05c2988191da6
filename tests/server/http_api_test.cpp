// SPDX-License-Identifier: MIT
#include "server/http_api.h"

#include <set>

#include "libvideocall/auth/secret_key.h"
#include "libvideocall/auth/token.h"
#include "server/http_limits.h"
#include "tests/server/http_client.h"
#include "tests/server/running_daemon.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;
using nlohmann::json;

namespace {

void assert_error(const HttpAnswer& answer, unsigned status,
                  const std::string& code) {
  ck_assert_msg(answer.status == status && answer.code() == code,
                "%u %s, wanted %u %s", answer.status, answer.body.c_str(),
                status, code.c_str());
  ck_assert(answer.json()["success"] == false);
  ck_assert(!answer.json()["result"]["message"].get<std::string>().empty());
  ck_assert(answer.header("content-type") == "application/json");
}

std::string cookie_of(const HttpAnswer& answer) {
  const std::string cookie = answer.header("set-cookie");
  return cookie.substr(0, cookie.find(';'));
}

cluster::Heartbeat other_node() {
  cluster::Heartbeat other;
  other.node_id = "node-2";
  other.max_sessions = 100;
  other.transport_urls = {"https://127.0.0.1:4433", "ws://127.0.0.1:8080"};
  other.certificate_hashes = {"b3RoZXI="};
  return other;
}

// How a join that leads there says so.
json other_transports(const std::string& meeting) {
  return json::parse(R"([
      {"kind": "webtransport", "url": "https://127.0.0.1:4433/meet/)" +
                     meeting + R"(",
       "certificate_hashes": [{"algorithm": "sha-256", "value": "b3RoZXI="}]},
      {"kind": "websocket", "url": "ws://127.0.0.1:8080/meet/)" +
                     meeting + R"("}])");
}

// Where a join leads: to one node, and its token is for that one.
std::string node_that_takes(const HttpClient& client,
                            const std::string& meeting,
                            const TokenSigner& signer) {
  const auto answer = client.join(meeting);
  ck_assert_uint_eq(answer.status, 200);
  const json result = answer.json()["result"];
  const std::string token = result["room_token"];
  const bool here = result["transports"][0]["url"] ==
                    "https://127.0.0.1:4567/meet/" + meeting;
  if (!here) ck_assert(result["transports"] == other_transports(meeting));
  const std::string node = here ? "node-1" : "node-2";
  const std::string not_node = here ? "node-2" : "node-1";
  const auto now = std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now());
  ck_assert(signer.verify(token, node, meeting, now).ok());
  ck_assert(!signer.verify(token, not_node, meeting, now).ok());
  return node;
}

}  // namespace

VC_TEST(a_join_answers_what_the_contract_says) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  const auto answer =
      client.join("demo", {{"display_name", "Ålice"}, {"user_id", "alice"}});
  ck_assert_uint_eq(answer.status, 200);
  ck_assert(answer.header("cache-control") == "no-store");
  const json body = answer.json();
  ck_assert(body["success"] == true);
  const json& result = body["result"];
  ck_assert(result["user_id"] == "alice");
  ck_assert(result["display_name"] == "Ålice");
  ck_assert(result["status"] == "admitted");
  ck_assert(result["is_host"] == true);
  ck_assert(result["e2ee"] == "off");
  ck_assert_int_gt(result["joined_at"].get<int64_t>(), 1'600'000'000'000);
  ck_assert_uint_eq(result["transports"].size(), 1);
  const json& transport = result["transports"][0];
  ck_assert(transport["kind"] == "webtransport");
  ck_assert(transport["url"] == "https://127.0.0.1:4567/meet/demo");
  ck_assert(transport["certificate_hashes"] ==
            json::parse(R"([{"algorithm": "sha-256", "value": "aGFzaA=="},
                            {"algorithm": "sha-256", "value": "bmV4dA=="}])"));
}

VC_TEST(the_token_holds_what_admission_needs) {
  TemporaryFolder state;
  RunningDaemon daemon([&](server::Configuration& configuration) {
    configuration.state_dir = state.path();
  });
  const HttpClient client(daemon.base());
  const auto answer =
      client.join("demo", {{"display_name", "Alice"}, {"user_id", "alice"}},
                  {{"Origin", daemon.base()}});
  const auto key = SecretKey::load_or_create(state.file("token.key"));
  ck_assert(key.ok());
  const TokenSigner signer(*key, "videocall");
  const auto now = std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now());
  const std::string token = answer.json()["result"]["room_token"];
  const auto claims = signer.verify(token, "node-1", "demo", now);
  ck_assert(claims.ok());
  ck_assert(claims->user_id == "alice");
  ck_assert(claims->display_name == "Alice");
  ck_assert(claims->origin == daemon.base());
  ck_assert(claims->is_host);
  ck_assert_uint_eq(claims->role, 1);
}

VC_TEST(the_creator_is_host_by_cookie_and_nobody_else) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  const auto first = client.join("demo");
  const std::string set_cookie = first.header("set-cookie");
  ck_assert(first.json()["result"]["is_host"] == true);
  for (const char* part : {"; Path=/api/v1/meetings/demo;", "HttpOnly",
                           "SameSite=Lax", "Max-Age="})
    ck_assert_msg(set_cookie.find(part) != std::string::npos, "%s: %s", part,
                  set_cookie.c_str());
  ck_assert(set_cookie.find("Secure") == std::string::npos);

  const auto other = client.join("demo", {{"display_name", "Alice"}},
                                 {{"Cookie", "videocall_host=x; a=b"}});
  ck_assert(other.json()["result"]["is_host"] == false);
  ck_assert(other.header("set-cookie").empty());
  const auto again =
      client.join("demo", {{"display_name", "Bob"}},
                  {{"Cookie", "theme=dark; " + cookie_of(first)}});
  ck_assert(again.json()["result"]["is_host"] == true);
  const auto elsewhere = client.join("other", {{"display_name", "Bob"}});
  ck_assert(elsewhere.json()["result"]["is_host"] == true);
  ck_assert(client
                .join("other", {{"display_name", "A"}},
                      {{"Cookie", cookie_of(first)}})
                .json()["result"]["is_host"] == false);
}

VC_TEST(the_host_cookie_survives_a_restart) {
  TemporaryFolder state;
  const auto keep = [&](server::Configuration& configuration) {
    configuration.state_dir = state.path();
  };
  std::string cookie;
  {
    RunningDaemon daemon(keep);
    cookie = cookie_of(HttpClient(daemon.base()).join("demo"));
    ck_assert_int_eq(daemon.stop(), 0);
  }
  RunningDaemon daemon(keep);
  const HttpClient client(daemon.base());
  ck_assert(client.join("demo").json()["result"]["is_host"] == false);
  ck_assert(client.join("demo", {{"display_name", "A"}}, {{"Cookie", cookie}})
                .json()["result"]["is_host"] == true);
  // What is kept does not let a reader of the database become host.
  const std::string secret = cookie.substr(cookie.find('=') + 1);
  ck_assert(read_file(state.file("videocall.db")).find(secret) ==
            std::string::npos);
}

VC_TEST(a_claimed_user_id_gives_no_rights) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  client.join("demo", {{"display_name", "A"}, {"user_id", "boss"}});
  const auto thief =
      client.join("demo", {{"display_name", "A"}, {"user_id", "boss"}});
  ck_assert(thief.json()["result"]["user_id"] == "boss");
  ck_assert(thief.json()["result"]["is_host"] == false);
}

VC_TEST(guests_get_an_id_each) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  std::set<std::string> ids;
  for (int i = 0; i < 5; ++i) {
    const std::string id = client.join("demo").json()["result"]["user_id"];
    ck_assert(id.size() <= 64);
    ck_assert(ids.insert(id).second);
  }
  ck_assert(client.join("demo", {{"display_name", "A"}, {"user_id", nullptr}})
                .status == 200);
}

VC_TEST(guests_may_be_kept_out) {
  const TemporaryFolder folder;
  std::string cookie;
  const auto with_state = [&](bool guests) {
    return [&folder, guests](server::Configuration& configuration) {
      configuration.state_dir = folder.path();
      configuration.guests = guests;
    };
  };
  {
    RunningDaemon daemon(with_state(true));
    cookie = cookie_of(HttpClient(daemon.base()).join("demo"));
  }
  RunningDaemon daemon(with_state(false));
  const HttpClient client(daemon.base());
  for (const char* meeting : {"demo", "new"}) {
    const HttpAnswer refused =
        client.join(meeting, {{"display_name", "A"}, {"user_id", "claimed"}});
    ck_assert_uint_eq(refused.status, 403);
    ck_assert_str_eq(refused.code().c_str(), "GUESTS_NOT_ALLOWED");
    ck_assert(refused.header("set-cookie").empty());
  }
  // Who can prove to have created it is no guest; elsewhere that proves
  // nothing, and creates nothing.
  const testing::Headers proof = {{"Cookie", cookie}};
  ck_assert_uint_eq(client.join("demo", {{"display_name", "A"}}, proof).status,
                    200);
  ck_assert_uint_eq(client.join("new", {{"display_name", "A"}}, proof).status,
                    403);
  ck_assert_uint_eq(
      client.join("demo", {{"display_name", "A"}}, {{"Cookie", cookie + "x"}})
          .status,
      403);
}

VC_TEST(bad_joins_are_refused_with_their_code) {
  RunningDaemon daemon([](server::Configuration& configuration) {
    configuration.join_rate = 0;
  });
  const HttpClient client(daemon.base());
  const auto join = [&](const std::string& body,
                        const std::string& type = "application/json") {
    return client.send("POST", "/api/v1/meetings/demo/join", {}, body, type);
  };
  for (const char* body :
       {"", "{", "[]", "3", "\"x\"", "{} x", "{\"display_name\":\"\xff\"}"})
    assert_error(join(body), 400, "BAD_JSON");
  for (const json& name :
       {json(), json(7), json(""), json("   "), json("a\nb"), json("a\u0085b"),
        json(std::string(129, 'a')), json(std::string("a\0b", 3))})
    assert_error(client.join("demo", {{"display_name", name}}), 400,
                 "INVALID_DISPLAY_NAME");
  assert_error(join("{}"), 400, "INVALID_DISPLAY_NAME");
  for (const json& id : {json(7), json(""), json(std::string(65, 'a')),
                         json("a\tb"), json(std::string("a\0", 2))})
    assert_error(client.join("demo", {{"display_name", "A"}, {"user_id", id}}),
                 400, "INVALID_USER_ID");
  for (const std::string& id :
       {std::string("a%20b"), std::string("a.b"), std::string(256, 'a'),
        std::string("%C3%A4"), std::string("")})
    assert_error(client.join(id), 400, "INVALID_MEETING_ID");
  // Refused by the HTTP library before it comes to us.
  ck_assert_uint_eq(client.join("a%00b").status, 400);
  assert_error(join("{\"display_name\":\"A\"}", "text/plain"), 415, "NOT_JSON");
  assert_error(
      join("{\"display_name\":\"A\"}", "application/x-www-form-urlencoded"),
      415, "NOT_JSON");
  ck_assert(join("{\"display_name\":\"A\"}", "Application/JSON; charset=utf-8")
                .status == 200);
  ck_assert(client.join(std::string(255, 'a')).status == 200);
  ck_assert(client
                .join("demo", {{"display_name", std::string(128, 'a')},
                               {"user_id", std::string(64, 'a')}})
                .status == 200);
}

VC_TEST(a_body_over_its_bound_is_refused) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  const auto join = [&](size_t size) {
    std::string body = "{\"display_name\":\"A\"}";
    body.resize(size, ' ');
    return client.send("POST", "/api/v1/meetings/demo/join", {}, body,
                       "application/json");
  };
  ck_assert_uint_eq(join(limits::kMaxHttpBodyBytes).status, 200);
  assert_error(join(limits::kMaxHttpBodyBytes + 1), 413, "BODY_TOO_LARGE");
  assert_error(join(300'000), 413, "BODY_TOO_LARGE");
}

VC_TEST(a_nested_body_does_not_exhaust_the_stack) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  assert_error(client.send("POST", "/api/v1/meetings/demo/join", {},
                           std::string(16'000, '['), "application/json"),
               400, "BAD_JSON");
}

VC_TEST(pages_of_others_may_not_join) {
  RunningDaemon daemon([](server::Configuration& configuration) {
    configuration.allowed_origins = {"https://www.example.org"};
  });
  const HttpClient client(daemon.base());
  const std::string port = daemon.base().substr(daemon.base().rfind(':'));
  const auto join = [&](const std::string& origin,
                        const std::string& host = "") {
    Headers headers = {{"Origin", origin}};
    if (!host.empty()) headers.emplace_back("Host", host);
    return client.join("demo", {{"display_name", "A"}}, headers);
  };
  for (const std::string& origin :
       {"http://localhost" + port, "http://127.0.0.1" + port,
        "http://[::1]" + port, std::string("https://www.example.org"),
        std::string("https://www.example.org:443")})
    ck_assert_msg(join(origin).status == 200, "%s", origin.c_str());
  for (const std::string& origin :
       {std::string("http://evil.example"), std::string("null"),
        std::string("http://localhost"), "https://localhost" + port,
        std::string("http://www.example.org"), "http://localhost.evil" + port,
        std::string("rubbish")})
    assert_error(join(origin), 403, "WRONG_ORIGIN");
  // A page whose name was rebound to this address.
  assert_error(join("http://evil.example" + port, "evil.example" + port), 403,
               "WRONG_ORIGIN");
}

VC_TEST(urls_never_come_from_the_host_header) {
  RunningDaemon daemon;
  const auto answer =
      HttpClient(daemon.base())
          .join("demo", {{"display_name", "A"}}, {{"Host", "evil.example"}});
  ck_assert(answer.json()["result"]["transports"][0]["url"] ==
            "https://127.0.0.1:4567/meet/demo");
}

VC_TEST(joins_of_one_address_are_limited) {
  RunningDaemon daemon([](server::Configuration& configuration) {
    configuration.join_rate = 1;
    configuration.join_burst = 3;
  });
  const HttpClient client(daemon.base());
  unsigned refused = 0;
  for (int i = 0; i < 20 && refused == 0; ++i) {
    const auto answer = client.join("demo");
    if (answer.status == 200) continue;
    assert_error(answer, 429, "TOO_MANY_JOINS");
    ck_assert(answer.header("retry-after") == "1");
    ++refused;
  }
  ck_assert_uint_eq(refused, 1);
}

VC_TEST(behind_a_proxy_the_client_is_who_the_proxy_says) {
  RunningDaemon daemon([](server::Configuration& configuration) {
    configuration.behind_proxy = true;
    configuration.public_url = "https://meet.example.org";
    configuration.join_rate = 1;
    configuration.join_burst = 1;
  });
  const HttpClient client(daemon.base());
  const auto from = [&](const std::string& addresses) {
    return client.join("demo", {{"display_name", "A"}},
                       {{"X-Forwarded-For", addresses},
                        {"Origin", "https://meet.example.org"}});
  };
  const auto first = from("192.0.2.1");
  ck_assert_uint_eq(first.status, 200);
  ck_assert(first.header("set-cookie").find("; Secure") != std::string::npos);
  ck_assert(first.json()["result"]["transports"][0]["url"] ==
            "https://meet.example.org:4567/meet/demo");
  assert_error(from("192.0.2.1"), 429, "TOO_MANY_JOINS");
  // What the client itself wrote does not help it.
  assert_error(from("198.51.100.7, 192.0.2.1"), 429, "TOO_MANY_JOINS");
  ck_assert_uint_eq(from("192.0.2.1, 198.51.100.7").status, 200);
}

VC_TEST(the_lobby_sees_who_is_there) {
  RunningDaemon daemon;
  daemon.relay().people = {{9'007'199'254'740'991, "alice", "Ålice", 1, 1000},
                           {2, "bob", "Bob", 2, 2000}};
  const HttpClient client(daemon.base());
  const auto answer = client.get("/api/v1/meetings/full");
  ck_assert_uint_eq(answer.status, 200);
  ck_assert(answer.json()["result"] == json::parse(R"({
    "meeting_id": "full", "state": "active", "participant_count": 2,
    "members": [
      {"session_id": "9007199254740991", "user_id": "alice",
       "display_name": "Ålice", "role": "host", "joined_at": 1000},
      {"session_id": "2", "user_id": "bob", "display_name": "Bob",
       "role": "participant", "joined_at": 2000}]})"));
  const auto empty = client.get("/api/v1/meetings/empty");
  ck_assert_uint_eq(empty.status, 200);
  ck_assert(empty.json()["result"]["state"] == "idle");
  ck_assert(empty.json()["result"]["members"] == json::array());
  assert_error(client.get("/api/v1/meetings/a.b"), 400, "INVALID_MEETING_ID");
}

VC_TEST(other_methods_and_paths_are_told_so) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  const auto get_join = client.get("/api/v1/meetings/demo/join");
  assert_error(get_join, 405, "METHOD_NOT_ALLOWED");
  ck_assert(get_join.header("allow") == "POST");
  assert_error(client.send("DELETE", "/api/v1/meetings/demo"), 405,
               "METHOD_NOT_ALLOWED");
  assert_error(client.send("POST", "/"), 405, "METHOD_NOT_ALLOWED");
  for (const char* path : {"/nothing", "/api", "/api/v2/x", "/assets/x.js",
                           "/api/v1/meetings/demo/nothing", "/meeting/a/b/c",
                           "/meeting/", "/index.html/x"})
    assert_error(client.get(path), 404, "NOT_FOUND");
}

VC_TEST(health_readiness_and_version) {
  RunningDaemon daemon;
  const HttpClient client(daemon.base());
  ck_assert(client.get("/healthz").json() == json({{"status", "ok"}}));
  const auto ready = client.get("/readyz");
  ck_assert_uint_eq(ready.status, 200);
  ck_assert(ready.json()["status"] == "ready");
  const json version = client.get("/version").json();
  ck_assert(version["name"] == "videocalld");
  ck_assert(!version["version"].get<std::string>().empty());
  ck_assert(version["protocol_versions"] == json::array({1}));
  const auto head = client.send("HEAD", "/healthz");
  ck_assert_uint_eq(head.status, 200);
  ck_assert(head.body.empty());
}

VC_TEST(while_draining_nobody_joins_and_then_sessions_are_closed) {
  RunningDaemon daemon([](server::Configuration& configuration) {
    configuration.drain_timeout_s = 1;
  });
  const HttpClient client(daemon.base());
  bool drained = false;
  daemon.on_daemon([&](server::Daemon& server) {
    daemon.relay().sessions = 3;
    server.begin_drain();
    drained = daemon.relay().drained;
  });
  ck_assert(drained);
  const auto refused = client.join("demo");
  assert_error(refused, 503, "DRAINING");
  ck_assert(refused.header("retry-after") == "1");
  const auto ready = client.get("/readyz");
  ck_assert_uint_eq(ready.status, 503);
  ck_assert(ready.json()["status"] == "draining");
  ck_assert_uint_eq(client.get("/healthz").status, 200);
  ck_assert_int_eq(daemon.stop(), 0);
}

VC_TEST(a_join_may_lead_to_another_node) {
  TemporaryFolder state;
  RunningDaemon daemon([&](server::Configuration& configuration) {
    configuration.state_dir = state.path();
    configuration.nats_urls = {"nats://127.0.0.1:1"};
    configuration.join_rate = 0;
    configuration.drain_timeout_s = 5;
  });
  cluster::Heartbeat other = other_node();
  daemon.relay().hear(other);
  const HttpClient client(daemon.base());
  const auto key = SecretKey::load_or_create(state.file("token.key"));
  ck_assert(key.ok());
  const TokenSigner signer(*key, "videocall");
  const auto node_of = [&](const std::string& meeting) {
    return node_that_takes(client, meeting, signer);
  };
  std::set<std::string> used;
  for (int i = 0; i < 20; ++i) used.insert(node_of("m" + std::to_string(i)));
  ck_assert_uint_eq(used.size(), 2);

  // The other drains: nobody is sent there.
  other.draining = true;
  daemon.relay().hear(other);
  for (int i = 0; i < 20; ++i)
    ck_assert_str_eq(node_of("m" + std::to_string(i)).c_str(), "node-1");
  // This one drains, too: nobody is left.
  daemon.on_daemon([&](server::Daemon& server) {
    daemon.relay().sessions = 3;
    server.begin_drain();
  });
  assert_error(client.join("m"), 503, "DRAINING");
  // The other is back.
  other.draining = false;
  daemon.relay().hear(other);
  for (int i = 0; i < 20; ++i)
    ck_assert_str_eq(node_of("m" + std::to_string(i)).c_str(), "node-2");
  daemon.relay().sessions = 0;
  ck_assert_int_eq(daemon.stop(), 0);
}

VC_SUITE_MAIN("server/http_api")
