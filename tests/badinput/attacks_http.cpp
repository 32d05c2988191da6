// SPDX-License-Identifier: MIT
// HTTP garbage, bodies and headers without end, joins that are none.
#include <random>

#include "tests/badinput/attacks.h"
#include "tests/badinput/tcp_client.h"
#include "tests/support/suite.h"

namespace videocall::badinput {
namespace {

constexpr const char* kJoin = "/api/v1/meetings/demo/join";

std::string join_head(const std::string& more) {
  return std::string("POST ") + kJoin +
         " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" + more;
}

void expect_answer(Arena& arena, const std::string& request, int wanted) {
  TcpClient client(arena.http_port());
  client.send(request);
  client.read();
  ck_assert_msg(client.status() == wanted, "%d instead of %d: %.60s",
                client.status(), wanted, request.c_str());
}

void garbage(Arena& arena) {
  std::mt19937 random(2);
  for (int round = 0; round < 20; ++round) {
    std::string bytes(1 + random() % 5'000, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    TcpClient client(arena.http_port());
    client.send(bytes);
    client.finish();
    ck_assert(client.closed());
    ck_assert_msg(client.status() == 0 || client.status() == 400, "%d",
                  client.status());
  }
  for (const char* request :
       {"GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "/ GET HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n"}) {
    TcpClient client(arena.http_port());
    client.send(request);
    client.finish();
    ck_assert(client.closed());
    // 505: of a version that does not exist.
    ck_assert_msg(client.status() < 500 || client.status() == 505, "%d",
                  client.status());
  }
}

void headers_without_end(Arena& arena) {
  TcpClient client(arena.http_port());
  client.send("GET /healthz HTTP/1.1\r\nHost: x\r\n");
  const std::string line = "X-Padding: " + std::string(1'000, 'a') + "\r\n";
  // 16 MB; long before that the server has had enough.
  size_t sent = 0;
  while (sent < 16'000'000 && client.send(line)) sent += line.size();
  ck_assert_uint_lt(sent, 16'000'000);
}

void large_bodies(Arena& arena) {
  expect_answer(
      arena,
      join_head("Content-Length: 20000\r\n\r\n") + std::string(20'000, 'x'),
      413);
  // With and without a length beforehand: it is read for the sake of the
  // answer, but not for long.
  for (const char* how : {"Content-Length: 100000000\r\n\r\n",
                          "Transfer-Encoding: chunked\r\n\r\n"}) {
    TcpClient client(arena.http_port());
    client.send(join_head(how));
    const std::string chunk = "4000\r\n" + std::string(0x4000, 'x') + "\r\n";
    size_t sent = 0;
    while (sent < 64'000'000 && client.send(chunk)) sent += chunk.size();
    ck_assert_uint_lt(sent, 64'000'000);
  }
}

void joins_that_are_none(Arena& arena) {
  const testing::HttpClient& http = arena.http();
  const auto post = [&](const std::string& path, const std::string& body,
                        const std::string& type = "application/json",
                        const testing::Headers& headers = {}) {
    return http.send("POST", path, headers, body, type).status;
  };
  for (const char* body :
       {"", "{", "[]", "null", "1e999", "{\"display_name\":1}",
        "{\"display_name\":\"\"}", "{\"display_name\":\"a\\u0000b\"}",
        "{\"display_name\":\"a\",\"user_id\":7}"})
    ck_assert_msg(post(kJoin, body) == 400, "%s", body);
  std::string deep(8'000, '[');
  ck_assert_uint_eq(post(kJoin, deep), 400);
  ck_assert_uint_eq(
      post(kJoin, "{\"display_name\":\"" + std::string(129, 'a') + "\"}"), 400);
  ck_assert_uint_eq(post(kJoin, "{\"display_name\":\"a\"}", "text/plain"), 415);
  ck_assert_uint_eq(post(kJoin, "{\"display_name\":\"a\"}", "application/json",
                         {{"Origin", "https://evil.example"}}),
                    403);
  ck_assert_uint_eq(post("/api/v1/meetings/a%20b/join", "{}"), 400);
  ck_assert_uint_eq(
      post("/api/v1/meetings/" + std::string(256, 'a') + "/join", "{}"), 400);
  ck_assert_uint_eq(post("/api/v1/meetings/demo/join/x", "{}"), 404);
  ck_assert_uint_eq(http.get(kJoin).status, 405);
  ck_assert_uint_eq(http.send("DELETE", kJoin).status, 405);
  for (const char* path : {"/../../etc/passwd", "/assets/..%2f..%2fetc/passwd",
                           "/%00", "/api/v2/"}) {
    const unsigned status = http.get(path).status;
    ck_assert_msg(status == 404 || status == 400, "%u for %s", status, path);
  }
}

// Three times as many as may be open, each with half a request; who comes
// with a whole one is served.
void too_many_connections(Arena& arena) {
  std::vector<std::unique_ptr<TcpClient>> open;
  for (size_t i = 0; i < 3 * kHttpConnections; ++i) {
    open.push_back(std::make_unique<TcpClient>(arena.http_port()));
    open.back()->send("GET /healthz HTTP/1.1\r\nHo");
  }
  ck_assert_uint_eq(arena.http().get("/healthz").status, 200);
  // All but as many as may be open, and one more for that request.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (open.size() > kHttpConnections) {
    std::erase_if(open, [](const auto& client) {
      return client->closed(std::chrono::milliseconds(1));
    });
    ck_assert(std::chrono::steady_clock::now() < end);
  }
}

}  // namespace

std::span<const Attack> http_attacks() {
  static constexpr Attack kAttacks[] = {
      {"HTTP garbage", garbage},
      {"headers without end", headers_without_end},
      {"large bodies", large_bodies},
      {"joins that are none", joins_that_are_none},
      {"too many HTTP connections", too_many_connections},
  };
  return kAttacks;
}

}  // namespace videocall::badinput
