// SPDX-License-Identifier: MIT
#include "libvideocall/auth/resume_secret.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <chrono>
#include <cstdlib>

#include "libvideocall/auth/random.h"
#include "libvideocall/wire/limits.h"

namespace videocall::auth {
namespace {

constexpr char kVersion = 1;
constexpr size_t kNonceBytes = 16;
constexpr size_t kMacBytes = 32;
constexpr size_t kClaimBytes = 1 + 8 + 8 + kNonceBytes;
constexpr size_t kSecretBytes = kClaimBytes + kMacBytes;
constexpr std::string_view kLabel = "videocall resume secret 1";

void put_u64(std::string& out, uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift & 0xff));
}

uint64_t get_u64(std::string_view in) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i)
    value = value << 8 | static_cast<uint8_t>(in[i]);
  return value;
}

// Each part is preceded by its length, so that no two inputs read alike.
std::array<uint8_t, kMacBytes> authenticate(const ResumeSecrets::Key& key,
                                            std::string_view meeting,
                                            std::string_view user_id,
                                            std::string_view claim) {
  std::string input;
  for (std::string_view part : {kLabel, meeting, user_id, claim}) {
    put_u64(input, part.size());
    input += part;
  }
  std::array<uint8_t, kMacBytes> mac;
  if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data(), key.size(), input.data(),
                       input.size(), mac.data()) < 0)
    std::abort();  // SHA-256 is compiled in: GnuTLS itself is broken
  return mac;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<ResumeSecrets::Key> ResumeSecrets::parse_key(std::string_view hex) {
  const Error bad{Errc::invalid_argument,
                  "a resume key is 64 hexadecimal digits"};
  Key key;
  if (hex.size() != 2 * key.size()) return bad;
  for (size_t i = 0; i < key.size(); ++i) {
    const int high = hex_digit(hex[2 * i]);
    const int low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return bad;
    key[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return key;
}

ResumeSecrets::Key ResumeSecrets::random_key() {
  Key key;
  fill_random(key);
  return key;
}

std::string ResumeSecrets::issue(std::string_view meeting,
                                 std::string_view user_id, uint64_t session_id,
                                 uint64_t unix_ms) const {
  constexpr auto kLife = std::chrono::duration_cast<std::chrono::seconds>(
                             limits::kResumeSecretLife)
                             .count();
  std::string secret;
  secret.reserve(kSecretBytes);
  secret.push_back(kVersion);
  put_u64(secret, session_id);
  put_u64(secret, unix_ms / 1000 + static_cast<uint64_t>(kLife));
  std::array<uint8_t, kNonceBytes> nonce;
  fill_random(nonce);
  secret.append(nonce.begin(), nonce.end());
  const auto mac = authenticate(key_, meeting, user_id, secret);
  secret.append(mac.begin(), mac.end());
  return secret;
}

Result<uint64_t> ResumeSecrets::verify(std::string_view meeting,
                                       std::string_view user_id,
                                       std::string_view secret,
                                       uint64_t unix_ms) const {
  const Error refused{Errc::unauthenticated,
                      "the resume secret is not valid or has expired"};
  if (secret.size() != kSecretBytes || secret[0] != kVersion) return refused;
  const std::string_view claim = secret.substr(0, kClaimBytes);
  const auto mac = authenticate(key_, meeting, user_id, claim);
  if (gnutls_memcmp(mac.data(), secret.data() + kClaimBytes, kMacBytes) != 0)
    return refused;
  if (unix_ms / 1000 >= get_u64(claim.substr(9))) return refused;
  return get_u64(claim.substr(1));
}

}  // namespace videocall::auth
