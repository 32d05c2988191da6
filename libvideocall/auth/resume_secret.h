// SPDX-License-Identifier: MIT
// Secrets that prove themselves: whoever shows one to any node with the same
// key, also after a restart, is the person who held that session
// (docs/wire-protocol.md, section 3.8). Nothing is stored.
//
//   | version, 1 B | session id, 8 B | expires, Unix s, 8 B | nonce, 16 B |
//   | HMAC-SHA256 over a label, meeting, user id and all of the above, 32 B |
//
// Numbers are big-endian. The bearer must also know nothing else, so a secret
// is as valuable as the session: it is never logged.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"

namespace videocall::auth {

class VIDEOCALL_API ResumeSecrets {
 public:
  using Key = std::array<uint8_t, 32>;

  explicit ResumeSecrets(const Key& key) : key_(key) {}

  // A key of 64 hexadecimal digits; Errc::invalid_argument otherwise.
  static Result<Key> parse_key(std::string_view hex);
  static Key random_key();

  // A new secret, good for limits::kResumeSecretLife, different every time.
  std::string issue(std::string_view meeting, std::string_view user_id,
                    uint64_t session_id, uint64_t unix_ms) const;

  // The session that |secret| resumes, if it was issued with this key for this
  // meeting and person and has not expired; Errc::unauthenticated otherwise.
  // Takes the same time wherever it differs.
  Result<uint64_t> verify(std::string_view meeting, std::string_view user_id,
                          std::string_view secret, uint64_t unix_ms) const;

 private:
  Key key_;
};

}  // namespace videocall::auth
