// SPDX-License-Identifier: MIT
// Over WebSocket: upgrades that are none, frames and messages that the contract
// refuses, and clients that do not read.
#include <thread>

#include "tests/badinput/attacks.h"
#include "tests/badinput/tcp_client.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::badinput {
namespace {

using namespace std::chrono_literals;
using testing::control;
using testing::media;

constexpr uint8_t kContinuation = 0;
constexpr uint8_t kText = 1;
constexpr uint8_t kBinary = 2;
constexpr uint8_t kClose = 8;
constexpr uint8_t kPing = 9;
constexpr int kProtocolError = 4'003;

std::string upgrade_head(const std::string& path,
                         const std::string& more = "") {
  return "GET " + path +
         " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         more + "\r\n";
}

// The header of a client's frame, with a mask that changes nothing.
std::string frame_head(uint8_t opcode, uint64_t length, bool fin = true) {
  std::string head(1, static_cast<char>((fin ? 0x80 : 0) | opcode));
  const size_t more = length < 126 ? 0 : length < 65'536 ? 2 : 8;
  head += static_cast<char>(0x80 | (more == 0   ? length
                                    : more == 2 ? 126
                                                : 127));
  for (size_t i = more; i > 0; --i)
    head += static_cast<char>(length >> (8 * (i - 1)));
  return head + std::string(4, '\0');
}

std::string text_of(const PacketRef& packet) {
  return {reinterpret_cast<const char*>(packet->bytes().data()),
          packet->size()};
}

class SocketClient {
 public:
  SocketClient(Arena& arena, const std::string& path,
               const std::string& more = "")
      : tcp_(arena.http_port()) {
    tcp_.send(upgrade_head(path, more));
    head_ = tcp_.read().find("\r\n\r\n") + 4;
  }
  int status() const { return tcp_.status(); }
  bool send(const std::string& bytes) { return tcp_.send(bytes); }
  bool message(const std::string& payload) {
    return send(frame_head(kBinary, payload.size()) + payload);
  }
  // Says CONNECTION; false if no SESSION_ASSIGNED comes, which names the node.
  bool enter() {
    message(text_of(control(PacketType::connection, 0)));
    return tcp_.read("node-1").find("node-1") != std::string::npos;
  }
  // Waits for the server's close frame; its code, 0 if the connection ends
  // without one.
  int close_code() {
    for (;;) {
      if (const auto code = find_close(tcp_.text().substr(head_))) return *code;
      if (!tcp_.read_some()) return 0;
    }
  }

 private:
  // The code of the first close frame that is whole.
  static std::optional<int> find_close(std::string_view frames) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(frames[i]); };
    while (frames.size() >= 2) {
      const size_t more = byte(1) == 126 ? 2 : byte(1) == 127 ? 8 : 0;
      if (frames.size() < 2 + more) break;
      size_t length = more == 0 ? byte(1) : 0;
      for (size_t i = 0; i < more; ++i) length = length << 8 | byte(2 + i);
      if (frames.size() < 2 + more + length) break;
      if ((byte(0) & 0x0f) == kClose && length >= 2)
        return byte(2) << 8 | byte(3);
      frames.remove_prefix(2 + more + length);
    }
    return {};
  }

  TcpClient tcp_;
  size_t head_ = 0;
};

// In the meeting: CONNECTION was answered.
std::unique_ptr<SocketClient> member(Arena& arena, const std::string& meeting) {
  auto client = std::make_unique<SocketClient>(arena, arena.path(meeting));
  ck_assert_int_eq(client->status(), 101);
  ck_assert(client->enter());
  return client;
}

void expect_end(SocketClient& client, const char* what) {
  const int code = client.close_code();
  ck_assert_msg(code == kProtocolError, "%s: closed with %d", what, code);
}

void upgrades_that_are_none(Arena& arena) {
  const auto status = [&](const std::string& path, const std::string& more) {
    return SocketClient(arena, path, more).status();
  };
  const std::string bad = std::string(256, 'a');
  ck_assert_int_eq(status("/meet/demo", ""), 401);
  ck_assert_int_eq(status("/meet/demo?token=&v=1", ""), 401);
  ck_assert_int_eq(status("/meet/demo?token=x&v=1", ""), 401);
  ck_assert_int_eq(status("/meet/a%20b?token=x&v=1", ""), 400);
  ck_assert_int_eq(status("/meet/" + bad + "?token=x", ""), 400);
  ck_assert_int_eq(status("/meet/demo?token=x&v=2", ""), 400);
  ck_assert_int_eq(status("/nowhere?token=x", ""), 404);
  ck_assert_int_eq(status(Arena::path("other", arena.token("demo")), ""), 401);
  ck_assert_int_eq(status(Arena::path("demo", arena.token("demo", 300s)), ""),
                   401);
  ck_assert_int_eq(
      status(arena.path("demo"), "Origin: https://evil.example\r\n"), 403);
  TcpClient keyless(arena.http_port());
  keyless.send("GET " + arena.path("demo") +
               " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\n\r\n");
  keyless.read();
  ck_assert_int_eq(keyless.status(), 400);
}

void a_token_twice(Arena& arena) {
  const std::string token = arena.token("demo");
  SocketClient first(arena, Arena::path("demo", token));
  ck_assert_int_eq(first.status(), 101);
  ck_assert(first.enter());
  SocketClient second(arena, Arena::path("demo", token));
  ck_assert_int_eq(second.status(), 401);
}

void too_large(Arena& arena) {
  for (const uint64_t length : {uint64_t{limits::kMaxPacketBytes + 1},
                                uint64_t{1} << 40, uint64_t{INT64_MAX}}) {
    auto client = member(arena, "rude");
    client->send(frame_head(kBinary, length));  // by the header alone
    expect_end(*client, "a message too large");
  }
  auto client = member(arena, "rude");
  const std::string half(600'000, 'x');
  client->send(frame_head(kBinary, half.size(), false) + half);
  client->send(frame_head(kContinuation, half.size()));
  expect_end(*client, "fragments too large together");
}

// The greatest packet that is allowed passes, in however many pieces.
void greatest(Arena& arena) {
  auto client = member(arena, "rude");
  const std::string packet =
      text_of(media({.keyframe = true, .size = limits::kMaxPacketBytes - 100}));
  const size_t piece = packet.size() / 100;
  for (size_t at = 0; at < packet.size(); at += piece) {
    const std::string part = packet.substr(at, piece);
    client->send(frame_head(at == 0 ? kBinary : kContinuation, part.size(),
                            at + piece >= packet.size()) +
                 part);
  }
  client->message(text_of(control(PacketType::rtt, 8)));
  // It is still there: what ends it now is our own word.
  client->send(frame_head(kText, 1) + "x");
  expect_end(*client, "text after the greatest packet");
}

void fragments_without_end(Arena& arena) {
  auto client = member(arena, "rude");
  client->send(frame_head(kBinary, 0, false));
  for (size_t i = 0; i < limits::kMaxWebSocketFragments; ++i)
    if (!client->send(frame_head(kContinuation, 0, false))) break;
  expect_end(*client, "fragments without end");
}

void flood_of_pings(Arena& arena) {
  auto client = member(arena, "rude");
  for (int i = 0; i < 100; ++i)
    if (!client->send(frame_head(kPing, 4) + "ping")) break;
  expect_end(*client, "a flood of pings");
}

void wrong_frames(Arena& arena) {
  {
    auto client = member(arena, "rude");
    client->send("\x82\x01x");  // without a mask
    ck_assert_int_eq(client->close_code(), 1'002);
  }
  {
    auto client = member(arena, "rude");
    client->send(frame_head(kContinuation, 1) + "x");
    ck_assert_int_eq(client->close_code(), 1'002);
  }
}

// Each is a refusal, fifty are too many.
void packets_that_are_none(Arena& arena) {
  auto client = member(arena, "rude");
  for (size_t i = 0; i < limits::kMaxRefusals; ++i)
    client->message(i % 2 == 0 ? "\x07garbage" : "");
  expect_end(*client, "messages that are no packets");
}

void packets_before_connection(Arena& arena) {
  SocketClient client(arena, arena.path("demo"));
  ck_assert_int_eq(client.status(), 101);
  for (size_t i = 0; i < limits::kMaxRefusals; ++i)
    client.message(text_of(media({.keyframe = true})));
  expect_end(client, "packets before CONNECTION");
}

// They are in the meeting of the good pair, are sent its media, and read
// nothing of it.
void deaf(Arena& arena) {
  std::vector<std::unique_ptr<SocketClient>> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(member(arena, "well-behaved"));
  const size_t before = arena.resident_bytes();
  std::this_thread::sleep_for(1s);  // what is measured is what a second brings
  ck_assert_uint_lt(arena.resident_bytes(),
                    before + 5 * limits::kMaxSendQueueBytes + 20'000'000);
}

void many_that_leave_at_once(Arena& arena) {
  for (int i = 0; i < 100; ++i) {
    TcpClient client(arena.http_port());
    client.send(upgrade_head(arena.path("demo")));
    if (i % 2 == 0) client.read();  // every second leaves before its answer
  }
}

constexpr Attack kAttacks[] = {
    {"WebSocket: upgrades that are none", upgrades_that_are_none},
    {"WebSocket: a token twice", a_token_twice},
    {"WebSocket: messages too large", too_large},
    {"WebSocket: the greatest message", greatest},
    {"WebSocket: fragments without end", fragments_without_end},
    {"WebSocket: a flood of pings", flood_of_pings},
    {"WebSocket: wrong frames", wrong_frames},
    {"WebSocket: messages that are no packets", packets_that_are_none},
    {"WebSocket: packets before CONNECTION", packets_before_connection},
    {"WebSocket: clients that do not read", deaf},
    {"WebSocket: many that leave at once", many_that_leave_at_once},
};

}  // namespace

std::span<const Attack> websocket_attacks() {
  return kAttacks;
}

}  // namespace videocall::badinput
