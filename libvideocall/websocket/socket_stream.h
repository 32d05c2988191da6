// SPDX-License-Identifier: MIT
// A TCP connection of a client, plain or with TLS, that never blocks. One
// thread.
#pragma once

#include <gnutls/gnutls.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libvideocall/base/result.h"
#include "libvideocall/base/unique_fd.h"
#include "libvideocall/quic/socket_address.h"
#include "libvideocall/wire/packet.h"

namespace videocall::websocket {

// What the TLS connections of a client share: the certificates that it trusts.
class ClientTls {
 public:
  // Those of the PEM file |ca_file|, or if it is empty the system's; with
  // |insecure_skip_verify| any certificate does.
  static Result<std::shared_ptr<ClientTls>> create(bool insecure_skip_verify,
                                                   const std::string& ca_file);
  ~ClientTls();
  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;

  // A session for a server called |host|, a name or an address.
  Result<gnutls_session_t> new_session(const std::string& host) const;

 private:
  ClientTls() = default;

  gnutls_certificate_credentials_t credentials_ = nullptr;
  gnutls_priority_t priority_ = nullptr;
  bool verify_ = true;
};

class SocketStream {
 public:
  // Starts to connect. |tls| null: plain. |host| is borrowed as long as the
  // stream is there. |receive_buffer|: bytes that the kernel may keep of what
  // comes; 0: as it likes.
  static Result<std::unique_ptr<SocketStream>> open(
      const quic::SocketAddress& address, std::shared_ptr<const ClientTls> tls,
      const std::string& host, size_t receive_buffer);
  ~SocketStream();
  SocketStream(const SocketStream&) = delete;
  SocketStream& operator=(const SocketStream&) = delete;

  int fd() const { return fd_.get(); }
  // Goes on connecting; call it on every event until it succeeds.
  // Errc::would_block: not yet. Errc::io: nobody is there. Errc::tls: the
  // certificate or the handshake.
  Result<void> establish();
  // Whether establish() waits for the peer rather than for room to write.
  bool wants_read() const;

  // How many bytes were read or taken, at least one. Errc::would_block: none
  // now; Errc::closed: the peer ended the stream; else it broke.
  Result<size_t> read(std::span<uint8_t> into);
  Result<size_t> write(Bytes bytes);
  // Bytes that were read and no event tells of.
  bool has_pending() const;
  // Says goodbye, as far as that does not block.
  void shut_down();

 private:
  SocketStream() = default;
  Result<void> shake_hands();

  UniqueFd fd_;
  std::shared_ptr<const ClientTls> tls_;
  gnutls_session_t session_ = nullptr;  // owned; null: plain
  bool connected_ = false;
  bool established_ = false;
  bool unsent_ = false;  // TLS has taken bytes that the socket did not
};

}  // namespace videocall::websocket
