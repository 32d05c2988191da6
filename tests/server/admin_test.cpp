// SPDX-License-Identifier: MIT
// The admin API of a daemon without media: who may what, drain, metrics.
#include "server/admin_api.h"

#include <poll.h>
#include <unistd.h>

#include "server/http_limits.h"
#include "tests/server/http_client.h"
#include "tests/server/running_daemon.h"
#include "tests/support/loopback.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;
using namespace videocall::server;

namespace {

constexpr const char* kDrain = "/api/v1/admin/drain";

AdminApi make_api(size_t& drains) {
  return AdminApi({.token = "secret",
                   .metrics = [] { return std::string("figures\n"); },
                   .drain = [&drains] { return ++drains, size_t{7}; },
                   .drain_timeout_s = 10});
}

HttpRequest request(const char* method, const char* path, const char* from,
                    const char* authorization = nullptr) {
  HttpRequest request;
  request.method = method;
  request.path = path;
  request.remote_address = from;
  if (authorization != nullptr)
    request.headers["authorization"] = authorization;
  return request;
}

std::string admin_base(RunningDaemon& daemon) {
  std::string base;
  daemon.on_daemon([&](Daemon& running) {
    base = "http://" + running.admin()->addresses().front().text();
  });
  return base;
}

// A connection to |base|, an http://127.0.0.1:PORT, over which nothing goes.
int connect_to(const std::string& base) {
  const std::string port = base.substr(base.rfind(':') + 1);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  connect_to_loopback(socket, static_cast<uint16_t>(std::stoi(port)));
  return socket;
}

// Whether the server ends the connection within |patience|.
bool has_ended(int socket, std::chrono::milliseconds patience) {
  pollfd wanted{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, static_cast<int>(patience.count())) > 0;
}

void wait_until(const std::function<bool()>& condition) {
  for (int i = 0; i < 2'000 && !condition(); ++i)
    std::this_thread::sleep_for(5ms);
  ck_assert(condition());
}

RunningDaemon::Change with_admin() {
  return [](Configuration& configuration) {
    configuration.listen_admin = {"127.0.0.1:0"};
  };
}

}  // namespace

VC_TEST(equality_looks_at_all_bytes) {
  ck_assert(equal_in_constant_time("abc", "abc"));
  for (const char* other : {"", "a", "ab", "abd", "xbc", "abcd", "abcabc"})
    ck_assert_msg(!equal_in_constant_time("abc", other), "%s", other);
  ck_assert(!equal_in_constant_time("", "a"));
}

VC_TEST(drain_needs_the_token_wherever_one_comes_from) {
  size_t drains = 0;
  const AdminApi api = make_api(drains);
  for (const char* given : {"", "Bearer", "Bearer ", "Bearer secre",
                            "Bearer secret1", "secret", "Basic secret"}) {
    const auto answer = api.handle(request("POST", kDrain, "127.0.0.1", given));
    ck_assert_msg(answer.status == 401, "%s", given);
  }
  ck_assert_uint_eq(drains, 0);
  const auto answer =
      api.handle(request("POST", kDrain, "10.0.0.1", "Bearer secret"));
  ck_assert_uint_eq(answer.status, 202);
  ck_assert_uint_eq(drains, 1);
}

VC_TEST(without_a_token_nobody_drains) {
  const AdminApi api({.token = "", .metrics = {}, .drain = {}});
  ck_assert_uint_eq(
      api.handle(request("POST", kDrain, "127.0.0.1", "Bearer ")).status, 401);
}

VC_TEST(other_machines_need_the_token_for_metrics) {
  size_t drains = 0;
  const AdminApi api = make_api(drains);
  const auto get = [&](const char* from, const char* authorization = nullptr) {
    return api.handle(request("GET", "/metrics", from, authorization)).status;
  };
  ck_assert_uint_eq(get("127.0.0.1"), 200);
  ck_assert_uint_eq(get("::1"), 200);
  ck_assert_uint_eq(get("192.0.2.1"), 401);
  ck_assert_uint_eq(get(""), 401);
  ck_assert_uint_eq(get("192.0.2.1", "Bearer secret"), 200);
}

VC_TEST(paths_and_methods) {
  size_t drains = 0;
  const AdminApi api = make_api(drains);
  const auto status = [&](const char* method, const char* path) {
    return api.handle(request(method, path, "127.0.0.1", "Bearer secret"))
        .status;
  };
  ck_assert_uint_eq(status("GET", kDrain), 405);
  ck_assert_uint_eq(status("POST", "/metrics"), 405);
  ck_assert_uint_eq(status("GET", "/"), 404);
  ck_assert_uint_eq(status("POST", "/api/v1/meetings/x/join"), 404);
}

VC_TEST(a_daemon_drains_by_the_api) {
  RunningDaemon daemon(with_admin());
  daemon.relay().sessions = 3;
  const HttpClient admin(admin_base(daemon));
  const HttpClient http(daemon.base());
  ck_assert_uint_eq(http.get("/readyz").status, 200);
  ck_assert_uint_eq(admin.send("POST", kDrain).status, 401);
  std::string token;
  daemon.on_daemon([&](Daemon& running) { token = running.admin_token(); });
  const auto answer =
      admin.send("POST", kDrain, {{"Authorization", "Bearer " + token}});
  ck_assert_uint_eq(answer.status, 202);
  ck_assert_int_eq(answer.json()["result"]["sessions"], 3);
  ck_assert(daemon.relay().drained);
  ck_assert_uint_eq(http.get("/readyz").status, 503);
  const auto join = http.join("demo");
  ck_assert_uint_eq(join.status, 503);
  ck_assert_str_eq(join.code().c_str(), "DRAINING");
  ck_assert_str_eq(join.header("retry-after").c_str(), "1");
  ck_assert_int_eq(daemon.stop(), 0);
}

VC_TEST(metrics_are_not_served_to_everybody) {
  RunningDaemon daemon(with_admin());
  const HttpClient http(daemon.base());
  ck_assert_uint_eq(http.get("/metrics").status, 404);
  ck_assert_uint_eq(http.send("POST", kDrain).status, 404);
}

VC_TEST(one_connection_more_takes_the_place_of_the_oldest) {
  RunningDaemon daemon(with_admin());
  const std::string base = admin_base(daemon);
  const auto connections = [&] {
    size_t count = 0;
    daemon.on_daemon(
        [&](Daemon& running) { count = running.admin()->connections(); });
    return count;
  };
  std::vector<int> open;
  for (size_t i = 0; i < limits::kMaxAdminConnections; ++i)
    open.push_back(connect_to(base));
  wait_until([&] { return connections() == limits::kMaxAdminConnections; });
  ck_assert(!has_ended(open[0], 0s));
  open.push_back(connect_to(base));
  ck_assert(has_ended(open[0], 10s));
  ck_assert(!has_ended(open[1], 0s));
  for (const int socket : open) ::close(socket);
}

VC_TEST(metrics_count_joins_and_the_store) {
  RunningDaemon daemon(with_admin());
  const HttpClient admin(admin_base(daemon));
  const HttpClient http(daemon.base());
  ck_assert_uint_eq(http.join("demo").status, 200);
  ck_assert_uint_eq(http.join("demo", {{"display_name", ""}}).status, 400);
  const auto answer = admin.get("/metrics");
  ck_assert_uint_eq(answer.status, 200);
  ck_assert_str_eq(answer.header("content-type").c_str(),
                   "text/plain; version=0.0.4; charset=utf-8");
  for (const char* line :
       {"videocall_http_requests_total{route=\"join\",status=\"200\"} 1\n",
        "videocall_http_requests_total{route=\"join\",status=\"400\"} 1\n",
        "videocall_store_operations_total{operation=\"open\",result=\"ok\"} "
        "1\n",
        "videocall_store_up 1\n", "videocall_draining 0\n"})
    ck_assert_msg(answer.body.find(line) != std::string::npos, "%s in %s", line,
                  answer.body.c_str());
  // No name of anybody or anything in it.
  ck_assert(answer.body.find("demo") == std::string::npos);
  ck_assert(answer.body.find("Alice") == std::string::npos);
}

VC_TEST(no_admin_address_no_admin_api) {
  RunningDaemon daemon(
      [](Configuration& configuration) { configuration.listen_admin.clear(); });
  daemon.on_daemon(
      [](Daemon& running) { ck_assert_ptr_null(running.admin()); });
}

VC_SUITE_MAIN("server-admin")
