// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/socket_stream.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace videocall::websocket {
namespace {

// What browsers offer, in their order: AES-128 goes first.
constexpr char kPriority[] =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-GCM:"
    "+CHACHA20-POLY1305:+AES-256-GCM";

Error not_now() {
  return {Errc::would_block, {}};
}

Error system_error(const char* what, int code) {
  return {Errc::io, std::string(what) + ": " + std::strerror(code)};
}

Error tls_error(const char* what, int code) {
  return {Errc::tls, std::string(what) + ": " + gnutls_strerror(code)};
}

bool is_later(int code) {
  return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED;
}

bool is_address(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

Error refused_certificate(gnutls_session_t session) {
  std::string reason = "the server's certificate is not trusted";
  gnutls_datum_t text = {};
  const unsigned status = gnutls_session_get_verify_cert_status(session);
  if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509,
                                                   &text, 0) == 0) {
    reason += ": " + std::string(reinterpret_cast<char*>(text.data));
    gnutls_free(text.data);
  }
  return {Errc::tls, reason};
}

}  // namespace

// -- ClientTls ----------------------------------------------------------------

Result<std::shared_ptr<ClientTls>> ClientTls::create(
    bool insecure_skip_verify, const std::string& ca_file) {
  std::shared_ptr<ClientTls> tls(new ClientTls);
  tls->verify_ = !insecure_skip_verify;
  if (int rv = gnutls_priority_init(&tls->priority_, kPriority, nullptr))
    return tls_error("cannot set the TLS priorities", rv);
  if (int rv = gnutls_certificate_allocate_credentials(&tls->credentials_))
    return tls_error("cannot make credentials", rv);
  if (insecure_skip_verify) return tls;
  const int rv =
      ca_file.empty()
          ? gnutls_certificate_set_x509_system_trust(tls->credentials_)
          : gnutls_certificate_set_x509_trust_file(
                tls->credentials_, ca_file.c_str(), GNUTLS_X509_FMT_PEM);
  if (rv >= 0) return tls;
  const std::string what =
      ca_file.empty() ? "the system's certificates" : ca_file;
  return tls_error(("cannot read " + what).c_str(), rv);
}

ClientTls::~ClientTls() {
  if (credentials_) gnutls_certificate_free_credentials(credentials_);
  if (priority_) gnutls_priority_deinit(priority_);
}

Result<gnutls_session_t> ClientTls::new_session(const std::string& host) const {
  gnutls_session_t session = nullptr;
  if (int rv = gnutls_init(&session,
                           GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL))
    return tls_error("cannot make a TLS session", rv);
  int rv = gnutls_priority_set(session, priority_);
  if (rv == 0)
    rv = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials_);
  // RFC 6066 section 3: an address is no name.
  if (rv == 0 && !is_address(host))
    rv = gnutls_server_name_set(session, GNUTLS_NAME_DNS, host.data(),
                                host.size());
  if (rv != 0) {
    gnutls_deinit(session);
    return tls_error("cannot prepare a TLS session", rv);
  }
  if (verify_) gnutls_session_set_verify_cert(session, host.c_str(), 0);
  return session;
}

// -- SocketStream -------------------------------------------------------------

Result<std::unique_ptr<SocketStream>> SocketStream::open(
    const quic::SocketAddress& address, std::shared_ptr<const ClientTls> tls,
    const std::string& host, size_t receive_buffer) {
  std::unique_ptr<SocketStream> stream(new SocketStream);
  stream->fd_.reset(
      socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!stream->fd_) return system_error("cannot make a socket", errno);
  const int fd = stream->fd_.get();
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (receive_buffer > 0) {
    const auto size = static_cast<int>(receive_buffer);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  if (::connect(fd, address.get(), address.size) != 0 && errno != EINPROGRESS)
    return system_error("cannot connect", errno);
  if (tls) {
    auto session = tls->new_session(host);
    if (!session) return session.error();
    stream->session_ = *session;
    gnutls_transport_set_int(stream->session_, fd);
    stream->tls_ = std::move(tls);
  }
  return stream;
}

SocketStream::~SocketStream() {
  if (session_) gnutls_deinit(session_);
}

Result<void> SocketStream::establish() {
  if (established_) return {};
  if (!connected_) {
    sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int error = 0;
    socklen_t error_size = sizeof error;
    getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &error_size);
    if (error != 0) return system_error("cannot connect", error);
    if (getpeername(fd(), reinterpret_cast<sockaddr*>(&peer), &size) != 0)
      return not_now();
    connected_ = true;
  }
  if (session_)
    if (auto shaken = shake_hands(); !shaken) return shaken;
  established_ = true;
  return {};
}

Result<void> SocketStream::shake_hands() {
  int rv = 0;
  do {
    rv = gnutls_handshake(session_);
  } while (rv < 0 && !is_later(rv) && !gnutls_error_is_fatal(rv));
  if (rv == 0) return {};
  if (is_later(rv)) return not_now();
  if (rv == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR)
    return refused_certificate(session_);
  return tls_error("the TLS handshake failed", rv);
}

bool SocketStream::wants_read() const {
  return connected_ && session_ && gnutls_record_get_direction(session_) == 0;
}

Result<size_t> SocketStream::read(std::span<uint8_t> into) {
  if (!session_) {
    const ssize_t size = recv(fd(), into.data(), into.size(), 0);
    if (size > 0) return static_cast<size_t>(size);
    if (size == 0) return Error{Errc::closed, {}};
    if (errno == EAGAIN || errno == EINTR) return not_now();
    return system_error("connection lost", errno);
  }
  ssize_t size = 0;
  do {
    size = gnutls_record_recv(session_, into.data(), into.size());
    // Tickets and key updates of TLS 1.3 are no failures.
  } while (size < 0 && !is_later(static_cast<int>(size)) &&
           !gnutls_error_is_fatal(static_cast<int>(size)));
  if (size > 0) return static_cast<size_t>(size);
  if (is_later(static_cast<int>(size))) return not_now();
  if (size == 0 || size == GNUTLS_E_PREMATURE_TERMINATION)
    return Error{Errc::closed, {}};
  return tls_error("connection lost", static_cast<int>(size));
}

Result<size_t> SocketStream::write(Bytes bytes) {
  if (!session_) {
    const ssize_t size = send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (size >= 0) return static_cast<size_t>(size);
    if (errno == EAGAIN || errno == EINTR) return not_now();
    return system_error("connection lost", errno);
  }
  // What TLS has taken already is asked for without its bytes.
  const ssize_t size =
      unsent_ ? gnutls_record_send(session_, nullptr, 0)
              : gnutls_record_send(session_, bytes.data(), bytes.size());
  unsent_ = size < 0 && is_later(static_cast<int>(size));
  if (size > 0) return static_cast<size_t>(size);
  if (unsent_ || size == 0) return not_now();
  return tls_error("connection lost", static_cast<int>(size));
}

bool SocketStream::has_pending() const {
  return session_ && gnutls_record_check_pending(session_) > 0;
}

void SocketStream::shut_down() {
  if (session_ && established_) gnutls_bye(session_, GNUTLS_SHUT_WR);
  shutdown(fd(), SHUT_WR);
}

}  // namespace videocall::websocket
