// SPDX-License-Identifier: MIT
// The daemon under attack, as its own process, and the means to get in: tokens
// of its key, its addresses, its size.
#pragma once

#include <memory>
#include <string>

#include "libvideocall/auth/token.h"
#include "tests/badinput/wire_client.h"
#include "tests/server/http_client.h"
#include "tests/server/process.h"

namespace videocall::badinput {

// How many HTTP connections the daemon lets be open.
inline constexpr size_t kHttpConnections = 64;

class Arena {
 public:
  // |flags| come behind those that every test has.
  explicit Arena(const testing::Process::Words& flags = {});

  uint16_t http_port() const { return http_port_; }
  uint16_t media_port() const { return media_port_; }
  const testing::HttpClient& http() const { return *http_; }
  testing::Process& process() { return *process_; }
  // Of a join over HTTP.
  nlohmann::json join(const std::string& meeting, const std::string& user);

  // A token as the daemon makes them, issued |age| ago.
  std::string token(const std::string& meeting,
                    std::chrono::seconds age = std::chrono::seconds(0));
  std::string token_of(const TokenSigner& signer, TokenClaims claims,
                       std::chrono::seconds age = std::chrono::seconds(0));
  TokenClaims claims(const std::string& meeting) const;
  const TokenSigner& signer() const { return *signer_; }
  // "/meet/MEETING?token=TOKEN&v=1"
  std::string path(const std::string& meeting);
  static std::string path(const std::string& meeting, const std::string& token);

  // A client with a session in |meeting|, CONNECT answered, no CONNECTION yet.
  std::unique_ptr<WireClient> guest(const std::string& meeting);
  // The same with SESSION_ASSIGNED.
  std::unique_ptr<WireClient> member(const std::string& meeting);

  size_t members(const std::string& meeting) const;
  // Resident memory of the daemon.
  size_t resident_bytes() const;

 private:
  testing::TemporaryFolder state_;
  std::unique_ptr<testing::Process> process_;
  std::unique_ptr<testing::HttpClient> http_;
  std::unique_ptr<TokenSigner> signer_;
  uint16_t http_port_ = 0;
  uint16_t media_port_ = 0;
};

}  // namespace videocall::badinput
