// SPDX-License-Identifier: MIT
// Before a session: wrong paths, tokens and origins, bad HTTP/3, garbage on
// the port.
#include <random>

#include "libvideocall/quic/capsules.h"
#include "libvideocall/quic/qpack.h"
#include "tests/badinput/attacks.h"
#include "tests/support/suite.h"

namespace videocall::badinput {
namespace {

using namespace std::chrono_literals;
using namespace videocall::quic;

void expect_status(Arena& arena, const std::string& path, int wanted,
                   const std::string& origin = "") {
  WireClient client(arena.media_port());
  const int got = client.connect(path, origin);
  ck_assert_msg(got == wanted, "%d instead of %d for %s", got, wanted,
                path.c_str());
}

void wrong_paths(Arena& arena) {
  const std::string query = "?token=" + arena.token("demo") + "&v=1";
  for (const char* path :
       {"/", "/meet", "/meeting/demo", "/api/v1/meetings/demo", "/../demo"})
    expect_status(arena, path + query, 404);
  for (const std::string& id :
       {std::string(), std::string("a%20b"), std::string("a/b"),
        std::string(256, 'a'), std::string("d\xc3\xa9mo")})
    expect_status(arena, "/meet/" + id + query, 400);
  expect_status(arena, "/meet/demo?v=%zz&token=x", 400);
}

void wrong_versions(Arena& arena) {
  for (const char* version : {"0", "2", "99", "", "1.0", "-1", "v1"})
    expect_status(arena,
                  "/meet/demo?token=" + arena.token("demo") + "&v=" + version,
                  400);
}

void wrong_tokens(Arena& arena) {
  const std::string good = arena.token("demo");
  const std::string header = good.substr(0, good.find('.'));
  const std::string rest = good.substr(header.size());
  const std::string signature = good.substr(good.rfind('.'));
  std::string changed = good;
  changed[header.size() + 10] ^= 1;
  expect_status(arena, "/meet/demo?v=1", 401);
  for (const std::string& token :
       {std::string("rubbish"), std::string("..."), good + "x",
        good.substr(0, good.size() - 4), changed, header + "..",
        // {"alg":"none","typ":"JWT"}
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" + rest,
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" +
            rest.substr(0, rest.rfind('.') + 1),
        header + ".e30" + signature, std::string(5'000, 'a')})
    expect_status(arena, Arena::path("demo", token), 401);
  // A zero byte, behind which a C string would end.
  expect_status(arena, Arena::path("demo", good + "%00x"), 400);
}

void expired_token(Arena& arena) {
  expect_status(arena, Arena::path("demo", arena.token("demo", 70s)), 401);
  expect_status(arena, Arena::path("demo", arena.token("demo", 24h)), 401);
}

void forged_token(Arena& arena) {
  const TokenSigner stranger(SecretKey::generate(), "videocall");
  expect_status(
      arena,
      Arena::path("demo", arena.token_of(stranger, arena.claims("demo"))), 401);
  TokenClaims other_node = arena.claims("demo");
  other_node.audience = "node-2";
  expect_status(arena,
                Arena::path("demo", arena.token_of(arena.signer(), other_node)),
                401);
  // Of another meeting.
  expect_status(arena, Arena::path("demo", arena.token("other")), 401);
}

void replayed_token(Arena& arena) {
  const std::string path = arena.path("demo");
  // Two may come with it; the first CONNECTION wins, the other gets 6.
  WireClient first(arena.media_port());
  WireClient second(arena.media_port());
  ck_assert_int_eq(first.connect(path), 200);
  ck_assert_int_eq(second.connect(path), 200);
  ck_assert(first.enter());
  ck_assert(second.until([&] { return second.close_code().has_value(); }));
  ck_assert_uint_eq(*second.close_code(), 6);
  expect_status(arena, path, 401);
}

void wrong_origin(Arena& arena) {
  const std::string path = arena.path("demo");
  expect_status(arena, path, 403, "https://evil.example");
  expect_status(arena, path, 403, "null");
  expect_status(arena, path, 400, arena.http().base() + std::string("\0x", 2));
  // It did not spend the token; the page of this server may come.
  expect_status(arena, path, 200, arena.http().base());
}

// What is no request for a session, or is no HTTP/3.
void bad_http3(Arena& arena) {
  const auto closed_with = [&](const Buffer& uni, const Buffer& bidi,
                               uint64_t code) {
    WireClient client(arena.media_port());
    ck_assert(client.until([&] { return client.ready; }));
    if (!uni.empty()) client.send(*client.open(false), uni);
    if (!bidi.empty()) client.send(*client.open(true), bidi);
    ck_assert(client.until([&] { return client.over; }));
    ck_assert_msg(client.reason.application && client.reason.code == code,
                  "%#lx instead of %#lx",
                  static_cast<unsigned long>(client.reason.code),
                  static_cast<unsigned long>(code));
  };
  closed_with({}, h3_frame(h3::kFrameData, {1}), h3::kFrameUnexpected);
  closed_with({}, h3_frame(h3::kFrameHeaders, Buffer(100, 0xff)),
              h3::kQpackDecompressionFailed);
  closed_with({},
              varints({h3::kFrameHeaders, limits::kMaxHeaderSectionBytes + 1}),
              h3::kExcessiveLoad);
  closed_with(varints({h3::kStreamControl}) + h3_frame(h3::kFrameGoaway, {0}),
              {}, h3::kMissingSettings);
  closed_with(varints({h3::kStreamPush, 0}), {}, h3::kStreamCreationError);
  closed_with(varints({h3::kStreamWebTransport, 1}), {}, h3::kIdError);
}

void other_requests(Arena& arena) {
  WireClient client(arena.media_port());
  ck_assert(client.until([&] { return client.ready; }));
  const auto get = h3::encode_fields({{":method", "GET"},
                                      {":scheme", "https"},
                                      {":authority", "x"},
                                      {":path", "/meet/demo"}});
  client.connect_stream = *client.open(true);
  client.send(client.connect_stream, h3_frame(h3::kFrameHeaders, *get), true);
  ck_assert(client.until([&] { return client.status() != 0; }));
  ck_assert_int_eq(client.status(), 405);
}

// More streams without a session than any browser opens.
void streams_without_a_session(Arena& arena) {
  WireClient client(arena.media_port());
  ck_assert(client.until([&] { return client.ready; }));
  size_t sent = 0;
  ck_assert(client.until([&] {
    while (sent < 10'000) {
      const auto stream = client.open(false);
      if (!stream) break;
      client.send(*stream, varints({0x21, 0}), true);
      ++sent;
    }
    return client.over;
  }));
  ck_assert_uint_eq(client.reason.code, h3::kExcessiveLoad);
  ck_assert_uint_lt(sent, 1'000);
}

// Streams and datagrams that come before their CONNECT are kept, within
// bounds, and the session comes up all the same.
void before_connect(Arena& arena) {
  WireClient client(arena.media_port());
  ck_assert(client.until([&] { return client.ready; }));
  client.connect_stream = *client.open(true);
  for (size_t i = 0; i < 3 * limits::kMaxEarlyStreams; ++i)
    client.session_stream(i % 2 == 0, Buffer(1'000, 'x'));
  for (size_t i = 0; i < 500; ++i) client.session_datagram(Buffer(900, 'd'));
  ck_assert(client.until([&] { return client.idle(); }));
  const auto fields = h3::encode_fields({{":method", "CONNECT"},
                                         {":protocol", "webtransport"},
                                         {":scheme", "https"},
                                         {":authority", "x"},
                                         {":path", arena.path("demo")}});
  client.send(
      *client.open(false),
      varints({h3::kStreamControl}) +
          h3_frame(h3::kFrameSettings, varints({h3::kSettingDatagram, 1})));
  client.send(client.connect_stream, h3_frame(h3::kFrameHeaders, *fields));
  ck_assert(client.until([&] { return client.status() != 0 || client.over; }));
  ck_assert_int_eq(client.status(), 200);
}

void garbage_on_the_port(Arena& arena) {
  std::mt19937 random(5);
  const UniqueFd socket = connect_udp(arena.media_port());
  const Buffer initial = first_initial();
  for (int i = 0; i < 2'000; ++i) {
    Buffer bytes(1 + random() % 1'400);
    for (auto& byte : bytes) byte = static_cast<uint8_t>(random());
    // Half of it looks like QUIC.
    if (i % 2 == 0) {
      bytes = initial;
      for (int flip = 0; flip < 4; ++flip)
        bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    }
    ::send(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  }
}

}  // namespace

std::span<const Attack> connect_attacks() {
  static constexpr Attack kAttacks[] = {
      {"wrong paths", wrong_paths},
      {"wrong versions", wrong_versions},
      {"wrong tokens", wrong_tokens},
      {"an expired token", expired_token},
      {"a forged token", forged_token},
      {"a replayed token", replayed_token},
      {"a wrong Origin", wrong_origin},
      {"bad HTTP/3", bad_http3},
      {"other requests", other_requests},
      {"streams without a session", streams_without_a_session},
      {"streams and datagrams before CONNECT", before_connect},
      {"garbage on the port", garbage_on_the_port},
  };
  return kAttacks;
}

}  // namespace videocall::badinput
