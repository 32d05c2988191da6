// SPDX-License-Identifier: MIT
// TLS 1.3 for QUIC on GnuTLS: the credentials of a server or the verification
// of a client, shared by all connections of an endpoint. Thread-safe.
#pragma once

#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/base/unique_fd.h"
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
  // The time by which pinned certificates are judged; empty: the system's.
  std::function<WallTime()> wall_clock;
};

class TlsContext;

// What hangs on a gnutls_session_t; ngtcp2 wants its reference in front.
struct TlsLink {
  ngtcp2_crypto_conn_ref ref{};
  ngtcp2_conn* const* connection = nullptr;
  TlsContext* context = nullptr;
  std::string server_name;
  std::string refusal;
};

// One connection's TLS state and what it needs to stay alive.
class TlsSession {
 public:
  TlsSession() = default;
  TlsSession(TlsSession&& other) noexcept { swap(other); }
  TlsSession& operator=(TlsSession&& other) noexcept {
    swap(other);
    return *this;
  }
  ~TlsSession() { drop_session(); }
  // Null once it was dropped.
  gnutls_session_t get() const { return session_; }
  // Frees what GnuTLS has; not from within one of its callbacks.
  void drop_session() {
    if (session_) gnutls_deinit(std::exchange(session_, nullptr));
    credentials_.reset();
  }
  // Why the peer's certificate was not accepted; empty: it was not refused.
  const std::string& refusal() const { return link_->refusal; }

 private:
  friend class TlsContext;
  void swap(TlsSession& other) {
    std::swap(session_, other.session_);
    context_.swap(other.context_);
    credentials_.swap(other.credentials_);
    link_.swap(other.link_);
  }
  gnutls_session_t session_ = nullptr;
  std::shared_ptr<TlsContext> context_;
  std::shared_ptr<const Credentials> credentials_;
  std::unique_ptr<TlsLink> link_;
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

  bool is_server() const { return server_; }

  // A session for ngtcp2; |connection| is where the pointer to its ngtcp2_conn
  // will be, and outlives the session. |server_name| is for clients: the host
  // to ask for and to look for in the certificate.
  Result<TlsSession> new_session(ngtcp2_conn* const* connection,
                                 const std::string& server_name);

  // Server with PEM files: reads them again; on failure keeps the old ones.
  Result<void> reload();
  // Server with a generated certificate: makes the next one a day before it is
  // used, puts it to use and drops the old one, whatever is due at |now|; a
  // failure leaves things as they are. Returns when to call again;
  // WallTime::max() with PEM files.
  Result<WallTime> renew(WallTime now);
  // base64 of SHA-256: the certificate in use, and the next once it is made.
  std::vector<std::string> certificate_hashes() const;

 private:
  TlsContext() = default;
  bool generated() const { return server_config_.certificate_file.empty(); }
  Result<void> prepare(const std::string& keylog_file);
  Result<void> load_trust(gnutls_certificate_credentials_t handle) const;
  Result<void> judge_peer(gnutls_session_t session, const TlsLink& link) const;
  static int on_verify(gnutls_session_t session);
  static int on_secret(gnutls_session_t session, const char* label,
                       const gnutls_datum_t* secret);

  bool server_ = false;
  TlsServerConfig server_config_;
  TlsClientConfig client_config_;
  gnutls_priority_t priority_ = nullptr;
  UniqueFd keylog_;  // opened for appending: one write is one line

  // Guards what follows.
  mutable std::mutex mutex_;
  std::shared_ptr<const Credentials> current_;
  std::shared_ptr<const Credentials> next_;
};

}  // namespace videocall::quic
