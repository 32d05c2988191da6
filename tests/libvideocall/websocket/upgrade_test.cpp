// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/upgrade.h"

#include <cstring>
#include <string>

#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::websocket;

namespace {

// The example of RFC 6455, section 1.3: "the sample nonce".
Upgrade make_upgrade() {
  Upgrade::Nonce nonce;
  std::memcpy(nonce.data(), "the sample nonce", nonce.size());
  return Upgrade(nonce);
}
constexpr char kAccepted[] =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "sec-websocket-ACCEPT:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n\r\n";

size_t feed(Upgrade& upgrade, const std::string& text) {
  return upgrade.feed(
      {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

Upgrade::Outcome outcome_of(const std::string& text, bool ended = false) {
  Upgrade upgrade = make_upgrade();
  feed(upgrade, text);
  if (ended) upgrade.end();
  return upgrade.outcome();
}

}  // namespace

VC_TEST(asks_as_the_standard_says) {
  auto url = quic::MeetingUrl::parse_websocket("ws://[::1]:80/meet/m?token=t");
  ck_assert(url.ok());
  ck_assert_str_eq(make_upgrade().request(*url, "me/1").c_str(),
                   "GET /meet/m?token=t HTTP/1.1\r\n"
                   "Host: [::1]:80\r\n"
                   "Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                   "User-Agent: me/1\r\n\r\n");
}

VC_TEST(opens_and_leaves_the_frames_behind_the_answer) {
  const std::string answer = kAccepted;
  Upgrade whole = make_upgrade();
  ck_assert_uint_eq(feed(whole, answer + "\x82\x01x"), answer.size());
  ck_assert(whole.outcome().done);
  ck_assert_int_eq(whole.outcome().status, 101);
  Upgrade cut = make_upgrade();
  for (const char c : answer) {
    ck_assert(!cut.outcome().done);
    ck_assert_uint_eq(feed(cut, std::string(1, c)), 1);
  }
  ck_assert_int_eq(cut.outcome().status, 101);
}

VC_TEST(wants_the_answer_to_its_own_key) {
  for (const char* field : {"Sec-WebSocket-Accept: AAAA", "X: y"}) {
    const auto outcome =
        outcome_of(std::string("HTTP/1.1 101 Sure\r\n") + field + "\r\n\r\n");
    ck_assert(outcome.done);
    ck_assert_int_eq(outcome.status, 0);
    ck_assert(!outcome.reason.empty());
  }
}

VC_TEST(tells_the_status_and_the_reason_of_a_refusal) {
  const std::string head =
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 11\r\n\r\n";
  ck_assert(!outcome_of(head + "token spe").done);
  const auto whole = outcome_of(head + "token spent");
  ck_assert(whole.done && whole.status == 401);
  ck_assert_str_eq(whole.reason.c_str(), "token spent");
  const auto ended = outcome_of(head + "token", true);
  ck_assert(ended.done && ended.status == 401);
  ck_assert_str_eq(ended.reason.c_str(), "token");
  // Without a length, and with one that nobody wants to read.
  for (const char* field :
       {"X: y", "Content-Length: 1025",
        "Content-Length: 99999999999999999999999", "Content-Length: -1"}) {
    const auto bare = outcome_of(std::string("HTTP/1.1 503 Full\r\n") + field +
                                 "\r\n\r\nreason");
    ck_assert_msg(bare.done && bare.status == 503, "%s", field);
    ck_assert_str_eq(bare.reason.c_str(), "");
  }
}

VC_TEST(knows_what_is_no_answer) {
  for (const char* text : {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1\r\n\r\n",
                           "HTTP/1.1 xyz\r\n\r\n", "\r\n\r\n"}) {
    const auto outcome = outcome_of(text);
    ck_assert_msg(outcome.done && outcome.status == 0, "%s", text);
  }
  ck_assert(!outcome_of("").done);
  ck_assert(outcome_of("", true).done);
  ck_assert_int_eq(outcome_of("HTTP/1.1 101 S\r\n", true).status, 0);
}

VC_TEST(bounds_the_header) {
  const std::string line = "HTTP/1.1 101 S\r\n";
  ck_assert(
      !outcome_of(line + std::string(
                             limits::kMaxHeaderSectionBytes - line.size(), 'x'))
           .done);
  const auto outcome = outcome_of(
      line +
      std::string(limits::kMaxHeaderSectionBytes - line.size() + 1, 'x'));
  ck_assert(outcome.done);
  ck_assert_int_eq(outcome.status, 0);
}

VC_SUITE_MAIN("websocket upgrade")
