// SPDX-License-Identifier: MIT
// X.509 certificates for TlsContext: generated for serverCertificateHashes or
// read from PEM files, with their SHA-256, and the browser's rules for judging
// a certificate by its hash.
#pragma once

#include <gnutls/gnutls.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"

namespace videocall::quic {

using WallTime = std::chrono::system_clock::time_point;

// A browser takes at most 14 days; a day is left for clocks that differ.
inline constexpr auto kGeneratedValidity = std::chrono::hours(13 * 24);
inline constexpr auto kMaxPinnedValidity = std::chrono::hours(14 * 24);
// A generated certificate starts before its birth, for slow clocks.
inline constexpr auto kGeneratedBackdate = std::chrono::hours(1);

// Immutable; shared with the sessions that use it.
struct Credentials {
  Credentials() = default;
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
  ~Credentials() {
    if (handle) gnutls_certificate_free_credentials(handle);
  }
  gnutls_certificate_credentials_t handle = nullptr;
  std::string hash;  // base64 of SHA-256 of the leaf; empty: client
  WallTime born;     // when it was generated
};

Result<std::shared_ptr<const Credentials>> generate_credentials(WallTime now);
Result<std::shared_ptr<const Credentials>> load_credentials(
    const std::string& certificate_file, const std::string& key_file);

// Judges |der| as a browser does with serverCertificateHashes: known hash,
// ECDSA P-256, valid at |now| and for at most 14 days in all.
Result<void> check_pinned(const gnutls_datum_t& der,
                          const std::vector<std::string>& hashes, WallTime now);

// base64 of SHA-256 of |der|.
std::string certificate_hash(const gnutls_datum_t& der);

}  // namespace videocall::quic
