// SPDX-License-Identifier: MIT
// A secret of 32 random bytes that outlives the process: what tokens are
// signed with, what resume secrets are made from. On disk it is one line of 64
// hex digits in a file of mode 0600, so that an operator can copy it to the
// other nodes of an installation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"

namespace videocall {

inline constexpr size_t kSecretKeyBytes = 32;

class VIDEOCALL_API SecretKey {
 public:
  // A new random key.
  static SecretKey generate();

  // |hex| is 64 hex digits. Errors: invalid_argument.
  static Result<SecretKey> from_hex(std::string_view hex);

  // Reads the key at |path|, or creates it there: complete or not at all, and
  // when two processes create it at the same time both get the same key.
  // Errors: io (with the system's reason), permission (the file is readable by
  // others), invalid_argument (it does not hold a key).
  static Result<SecretKey> load_or_create(const std::string& path);

  std::span<const uint8_t> bytes() const { return bytes_; }
  std::string hex() const;

 private:
  std::array<uint8_t, kSecretKeyBytes> bytes_{};
};

// |count| random bytes as base64url without padding: ids and cookies.
VIDEOCALL_API std::string random_base64url(size_t count);

}  // namespace videocall
