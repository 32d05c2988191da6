// SPDX-License-Identifier: MIT
// TLS 1.3 for QUIC on GnuTLS: the credentials of a server or the verification
// of a client, shared by all connections of an endpoint. Thread-safe.
#pragma once

#include <gnutls/gnutls.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/quic/certificate.h"

namespace videocall::quic {

struct TlsServerConfig {
  // PEM files; both empty: a certificate is generated and kept fresh.
  std::string certificate_file;
  std::string key_file;
  std::string keylog_file;  // NSS key log, appended; empty: none
};

struct TlsClientConfig {
  // base64 of SHA-256 of the server's certificate, the rules of browsers'
  // serverCertificateHashes; empty: the system's CAs and the host's name.
  std::vector<std::string> certificate_hashes;
  bool insecure_skip_verify = false;
  std::string ca_file;  // PEM, instead of the system's CAs; empty: those
  std::string keylog_file;
  // The time by which certificates are judged; empty: the system's.
  std::function<WallTime()> wall_clock;
};

// One connection's TLS state and what it needs to stay alive.
class TlsSession {
 public:
  TlsSession() = default;
  TlsSession(TlsSession&& other) noexcept { *this = std::move(other); }
  TlsSession& operator=(TlsSession&& other) noexcept;
  ~TlsSession();
  gnutls_session_t get() const { return session_; }
  // Why the peer's certificate was not accepted; empty: it was not refused.
  const std::string& refusal() const { return *refusal_; }

 private:
  friend class TlsContext;
  gnutls_session_t session_ = nullptr;
  std::shared_ptr<const Credentials> credentials_;
  std::unique_ptr<std::string> refusal_ = std::make_unique<std::string>();
};

class TlsContext : public std::enable_shared_from_this<TlsContext> {
 public:
  static Result<std::shared_ptr<TlsContext>> create_server(
      const TlsServerConfig& config, WallTime now);
  static Result<std::shared_ptr<TlsContext>> create_client(
      const TlsClientConfig& config);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A session for ngtcp2; |connection_ref| is an ngtcp2_crypto_conn_ref whose
  // user_data must be |owner_tag|-free: its conn_ref outlives the session.
  Result<TlsSession> new_session(void* connection_ref,
                                 const std::string& server_name);

  // Server with PEM files: reads them again; on failure keeps the old ones.
  Result<void> reload();
  // Server with a generated certificate: makes the next one a day before it is
  // used, puts it to use, drops the old one, whatever is due at |now|. Returns
  // when to call again; WallTime::max() with PEM files.
  Result<WallTime> renew(WallTime now);
  // base64 of SHA-256: the certificate in use, and the next once it is made.
  std::vector<std::string> certificate_hashes() const;

 private:
  TlsContext() = default;
  Result<void> configure(bool server, const std::string& keylog_file);
  int verify(gnutls_session_t session, std::string& refusal) const;
  static int verify_callback(gnutls_session_t session);
  static int keylog_callback(gnutls_session_t session, const char* label,
                             const gnutls_datum_t* secret);

  bool server_ = false;
  TlsServerConfig server_config_;
  TlsClientConfig client_config_;
  gnutls_priority_t priority_ = nullptr;

  // Guards what follows.
  mutable std::mutex mutex_;
  std::shared_ptr<const Credentials> current_;
  std::shared_ptr<const Credentials> next_;
  int keylog_fd_ = -1;
};

}  // namespace videocall::quic
