// SPDX-License-Identifier: MIT
// Room tokens: what a join hands out and a transport session presents once
// (docs/wire-protocol.md, section 3). A JWT (RFC 7519) signed with HS256.
// Pure: the time is handed in. Safe to use from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "libvideocall/auth/secret_key.h"
#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"

namespace videocall {

inline constexpr std::chrono::seconds kTokenLifetime{60};
// Nodes that share a key need not agree on the time to the second.
inline constexpr std::chrono::seconds kTokenClockSkew{5};
inline constexpr size_t kMaxTokenBytes = 4'096;

using UnixTime = std::chrono::sys_seconds;

struct TokenClaims {
  std::string user_id;       // sub
  std::string meeting;       // room
  std::string audience;      // aud: the node that the URLs lead to
  std::string token_id;      // jti
  std::string display_name;  // display_name
  std::string origin;        // origin: of the page that joined; empty = none
  uint32_t role = 0;         // role: proto MemberRole
  bool is_host = false;      // is_host
  UnixTime issued_at{};      // iat
  UnixTime expires_at{};     // exp
};

class VIDEOCALL_API TokenSigner {
 public:
  // |issuer| is written to and demanded of every token (iss).
  TokenSigner(const SecretKey& key, std::string issuer);

  // Signs |claims|; token_id, issued_at and expires_at are filled in from a
  // random number and |now|. Errors: internal.
  Result<std::string> issue(TokenClaims claims, UnixTime now) const;

  // Accepts a token only if it was signed with this key by HS256, names this
  // issuer, |audience| and |meeting|, and is in its time. Every failure is
  // unauthenticated; its message is for the log, not for the peer, and never
  // holds any of the token.
  Result<TokenClaims> verify(std::string_view token, std::string_view audience,
                             std::string_view meeting, UnixTime now) const;

 private:
  SecretKey key_;
  std::string issuer_;
};

}  // namespace videocall
