// SPDX-License-Identifier: MIT
#include "tests/badinput/arena.h"

#include <fstream>

#include "tests/support/suite.h"

namespace videocall::badinput {

using testing::HttpClient;
using testing::Process;

namespace {

constexpr const char* kIssuer = "videocall";
constexpr const char* kNode = "node-1";

uint16_t port_of(const std::string& url) {
  const size_t slashes = url.find("://");
  const size_t colon = url.find(':', slashes + 3);
  return static_cast<uint16_t>(std::stoi(url.substr(colon + 1)));
}

}  // namespace

Arena::Arena(const Process::Words& more) {
  Process::Words flags = Process::quiet_flags(state_);
  flags.push_back("--http-connections=" + std::to_string(kHttpConnections));
  flags.push_back("--join-rate=0");
  // The attacks are to be refused for what they are.
  flags.push_back("--max-cpu=0");
  // The flood is to meet Retry, whatever its rate.
  flags.push_back("--max-handshakes=0");

  flags.insert(flags.end(), more.begin(), more.end());
  process_ = std::make_unique<Process>(flags);
  http_ = std::make_unique<HttpClient>(process_->wait_until_ready());
  http_port_ = port_of(http_->base());
  auto key = SecretKey::load_or_create(state_.file("token.key"));
  ck_assert(key.ok());
  signer_ = std::make_unique<TokenSigner>(*key, kIssuer);
  media_port_ = port_of(join("lobby", "arena")["transports"][0]["url"]);
}

nlohmann::json Arena::join(const std::string& meeting,
                           const std::string& user) {
  const auto answer =
      http_->join(meeting, {{"display_name", user}, {"user_id", user}});
  ck_assert_uint_eq(answer.status, 200);
  return answer.json()["result"];
}

TokenClaims Arena::claims(const std::string& meeting) const {
  TokenClaims claims;
  claims.user_id = "mallory";
  claims.display_name = "Mallory";
  claims.meeting = meeting;
  claims.audience = kNode;
  claims.role = 2;
  return claims;
}

std::string Arena::token_of(const TokenSigner& signer, TokenClaims claims,
                            std::chrono::seconds age) {
  const auto now = std::chrono::floor<std::chrono::seconds>(
      std::chrono::system_clock::now());
  auto token = signer.issue(std::move(claims), now - age);
  ck_assert(token.ok());
  return *token;
}

std::string Arena::token(const std::string& meeting, std::chrono::seconds age) {
  return token_of(*signer_, claims(meeting), age);
}

std::string Arena::path(const std::string& meeting) {
  return path(meeting, token(meeting));
}

std::string Arena::path(const std::string& meeting, const std::string& token) {
  return "/meet/" + meeting + "?token=" + token + "&v=1";
}

std::unique_ptr<WireClient> Arena::guest(const std::string& meeting) {
  auto client = std::make_unique<WireClient>(media_port_);
  const int status = client->connect(path(meeting));
  ck_assert_msg(status == 200, "a good client got %d (%s)", status,
                client->reason.text.c_str());
  return client;
}

std::unique_ptr<WireClient> Arena::member(const std::string& meeting) {
  auto client = guest(meeting);
  ck_assert_msg(client->enter(), "no SESSION_ASSIGNED");
  return client;
}

size_t Arena::members(const std::string& meeting) const {
  return http_->get("/api/v1/meetings/" + meeting)
      .json()["result"]["participant_count"];
}

size_t Arena::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(process_->pid()) + "/statm");
  size_t total = 0;
  size_t resident = 0;
  statm >> total >> resident;
  ck_assert_uint_gt(resident, 0);
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace videocall::badinput
