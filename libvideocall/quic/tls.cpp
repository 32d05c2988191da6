// SPDX-License-Identifier: MIT
#include "libvideocall/quic/tls.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libvideocall/base/log.h"

namespace videocall::quic {
namespace {

// TLS 1.3 alone, and only AES: ChaCha20 costs a server with AES instructions
// half as much again, and every client has AES-128-GCM (RFC 8446 section 9.1).
constexpr char kPriority[] =
    "%DISABLE_TLS13_COMPAT_MODE:%SERVER_PRECEDENCE:NORMAL:-VERS-ALL:"
    "+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:-GROUP-ALL:"
    "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1";

// A generated certificate is followed by the next one after this time, which
// is published for a day before it is used.
constexpr auto kMakeNextAfter = std::chrono::hours(9 * 24);
constexpr auto kPublishBeforeUse = std::chrono::hours(24);

Error tls_error(const char* what, int code) {
  return {Errc::tls, std::string(what) + ": " + gnutls_strerror(code)};
}

ngtcp2_conn* get_connection(ngtcp2_crypto_conn_ref* ref) {
  return *static_cast<const TlsLink*>(ref->user_data)->connection;
}

TlsLink* link_of(gnutls_session_t session) {
  auto* ref =
      static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session));
  return static_cast<TlsLink*>(ref->user_data);
}

bool is_address(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

void append_hex(std::string& out, const gnutls_datum_t& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  for (unsigned i = 0; i < bytes.size; ++i) {
    out += kDigits[bytes.data[i] >> 4];
    out += kDigits[bytes.data[i] & 15];
  }
}

}  // namespace

Result<std::shared_ptr<TlsContext>> TlsContext::create_server(
    const TlsServerConfig& config, WallTime now) {
  if (config.certificate_file.empty() != config.key_file.empty())
    return Error{Errc::invalid_argument,
                 "a certificate needs its key, and a key its certificate: set "
                 "both files or neither"};
  std::shared_ptr<TlsContext> context(new TlsContext);
  context->server_ = true;
  context->server_config_ = config;
  if (auto prepared = context->prepare(config.keylog_file); !prepared)
    return prepared.error();
  auto credentials =
      context->generated()
          ? generate_credentials(now)
          : load_credentials(config.certificate_file, config.key_file);
  if (!credentials) return credentials.error();
  context->current_ = *credentials;
  return context;
}

Result<std::shared_ptr<TlsContext>> TlsContext::create_client(
    const TlsClientConfig& config) {
  std::shared_ptr<TlsContext> context(new TlsContext);
  context->client_config_ = config;
  if (auto prepared = context->prepare(config.keylog_file); !prepared)
    return prepared.error();
  auto credentials = std::make_shared<Credentials>();
  if (gnutls_certificate_allocate_credentials(&credentials->handle) != 0)
    return Error{Errc::internal, "no memory for credentials"};
  if (!config.insecure_skip_verify) {
    if (auto loaded = context->load_trust(credentials->handle); !loaded)
      return loaded.error();
    gnutls_certificate_set_verify_function(credentials->handle, on_verify);
  }
  context->current_ = std::move(credentials);
  return context;
}

TlsContext::~TlsContext() {
  if (priority_) gnutls_priority_deinit(priority_);
}

Result<void> TlsContext::prepare(const std::string& keylog_file) {
  if (int rv = gnutls_priority_init(&priority_, kPriority, nullptr))
    return tls_error("cannot set the TLS priorities", rv);
  if (keylog_file.empty()) return {};
  keylog_ = UniqueFd(open(keylog_file.c_str(),
                          O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!keylog_)
    return Error{Errc::io, "cannot open the key log " + keylog_file + ": " +
                               std::strerror(errno)};
  return {};
}

Result<void> TlsContext::load_trust(
    gnutls_certificate_credentials_t handle) const {
  if (!client_config_.certificate_hashes.empty()) return {};
  if (client_config_.ca_file.empty()) {
    const int rv = gnutls_certificate_set_x509_system_trust(handle);
    if (rv < 0) return tls_error("cannot read the system's certificates", rv);
    return {};
  }
  const int rv = gnutls_certificate_set_x509_trust_file(
      handle, client_config_.ca_file.c_str(), GNUTLS_X509_FMT_PEM);
  if (rv < 0)
    return tls_error(("cannot read " + client_config_.ca_file).c_str(), rv);
  return {};
}

Result<TlsSession> TlsContext::new_session(ngtcp2_conn* const* connection,
                                           const std::string& server_name) {
  TlsSession session;
  session.context_ = shared_from_this();
  session.link_ = std::make_unique<TlsLink>();
  *session.link_ = {
      {get_connection, session.link_.get()}, connection, this, server_name, {}};
  {
    const std::lock_guard lock(mutex_);
    session.credentials_ = current_;
  }
  const unsigned role = server_ ? GNUTLS_SERVER : GNUTLS_CLIENT;
  if (int rv =
          gnutls_init(&session.session_, role | GNUTLS_NO_AUTO_SEND_TICKET |
                                             GNUTLS_NO_END_OF_EARLY_DATA))
    return tls_error("cannot make a TLS session", rv);
  gnutls_session_t raw = session.session_;
  gnutls_session_set_ptr(raw, &session.link_->ref);
  if (int rv = gnutls_priority_set(raw, priority_))
    return tls_error("cannot set the TLS priorities", rv);
  if (int rv = gnutls_credentials_set(raw, GNUTLS_CRD_CERTIFICATE,
                                      session.credentials_->handle))
    return tls_error("cannot set the credentials", rv);
  const int configured =
      server_ ? ngtcp2_crypto_gnutls_configure_server_session(raw)
              : ngtcp2_crypto_gnutls_configure_client_session(raw);
  if (configured != 0)
    return Error{Errc::tls, "cannot prepare a TLS session for QUIC"};
  static constexpr char kAlpn[] = "h3";
  const gnutls_datum_t alpn = {
      reinterpret_cast<uint8_t*>(const_cast<char*>(kAlpn)), 2};
  if (int rv = gnutls_alpn_set_protocols(raw, &alpn, 1, GNUTLS_ALPN_MANDATORY))
    return tls_error("cannot set ALPN", rv);
  // RFC 6066 section 3: an address is no name.
  if (!server_ && !server_name.empty() && !is_address(server_name))
    gnutls_server_name_set(raw, GNUTLS_NAME_DNS, server_name.data(),
                           server_name.size());
  if (keylog_) gnutls_session_set_keylog_function(raw, on_secret);
  return session;
}

int TlsContext::on_verify(gnutls_session_t session) {
  TlsLink* link = link_of(session);
  auto judged = link->context->judge_peer(session, *link);
  if (judged) return 0;
  link->refusal = judged.error().message;
  return GNUTLS_E_CERTIFICATE_ERROR;
}

Result<void> TlsContext::judge_peer(gnutls_session_t session,
                                    const TlsLink& link) const {
  unsigned count = 0;
  const gnutls_datum_t* chain = gnutls_certificate_get_peers(session, &count);
  if (!chain || count == 0)
    return Error{Errc::tls, "the server sent no certificate"};
  if (!client_config_.certificate_hashes.empty())
    return check_pinned(chain[0], client_config_.certificate_hashes,
                        client_config_.wall_clock
                            ? client_config_.wall_clock()
                            : std::chrono::system_clock::now());
  unsigned status = 0;
  if (int rv = gnutls_certificate_verify_peers3(
          session, link.server_name.c_str(), &status))
    return tls_error("the server's certificate cannot be verified", rv);
  if (status == 0) return {};
  gnutls_datum_t text = {};
  std::string reason = "the server's certificate is not trusted";
  if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509,
                                                   &text, 0) == 0) {
    reason += ": " + std::string(reinterpret_cast<char*>(text.data));
    gnutls_free(text.data);
  }
  return Error{Errc::tls, reason};
}

int TlsContext::on_secret(gnutls_session_t session, const char* label,
                          const gnutls_datum_t* secret) {
  gnutls_datum_t client = {};
  gnutls_datum_t server = {};
  gnutls_session_get_random(session, &client, &server);
  std::string line = label;
  line += ' ';
  append_hex(line, client);
  line += ' ';
  append_hex(line, *secret);
  line += '\n';
  const int fd = link_of(session)->context->keylog_.get();
  if (write(fd, line.data(), line.size()) < 0)
    log_message(LogLevel::warning, "quic", "cannot write to the key log");
  return 0;
}

Result<void> TlsContext::reload() {
  if (!server_ || generated()) return {};
  auto loaded = load_credentials(server_config_.certificate_file,
                                 server_config_.key_file);
  if (!loaded) return loaded.error();
  const std::lock_guard lock(mutex_);
  current_ = *loaded;
  return {};
}

Result<WallTime> TlsContext::renew(WallTime now) {
  if (!server_ || !generated()) return WallTime::max();
  const std::lock_guard lock(mutex_);
  if (!next_) {
    const WallTime due = current_->born + kMakeNextAfter;
    if (now < due) return due;
    auto made = generate_credentials(now);
    if (!made) return made.error();
    next_ = *made;
  }
  // After a long sleep the old one may be over: then there is no day to wait.
  const WallTime expiry =
      current_->born + kGeneratedValidity - kGeneratedBackdate;
  const WallTime use = std::min(next_->born + kPublishBeforeUse, expiry);
  if (now < use) return use;
  current_ = std::exchange(next_, nullptr);
  return current_->born + kMakeNextAfter;
}

std::vector<std::string> TlsContext::certificate_hashes() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> hashes;
  if (current_ && !current_->hash.empty()) hashes.push_back(current_->hash);
  if (next_) hashes.push_back(next_->hash);
  return hashes;
}

}  // namespace videocall::quic
