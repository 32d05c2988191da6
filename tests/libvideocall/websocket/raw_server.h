// SPDX-License-Identifier: MIT
// The server's end of one WebSocket, played by hand: what it sends is what the
// test says. Never blocks; step() it.
#pragma once

#include <check.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include <string>
#include <vector>

#include "libvideocall/base/unique_fd.h"
#include "libvideocall/quic/certificate.h"
#include "libvideocall/wire/packet.h"
#include "tests/support/loopback.h"

namespace videocall::websocket::testing {

// A client's, with the mask taken off.
struct RawFrame {
  int opcode = -1;
  std::string payload;

  [[nodiscard]] Bytes bytes() const {
    return {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()};
  }
};

class RawServer {
 public:
  explicit RawServer(bool secure) : secure_(secure) {
    listener_.reset(
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    port_ = videocall::testing::bind_to_loopback(listener_.get());
    ck_assert_int_eq(listen(listener_.get(), 4), 0);
    if (!secure) return;
    auto made = quic::generate_credentials(std::chrono::system_clock::now());
    ck_assert(made.ok());
    credentials_ = *made;
  }
  ~RawServer() {
    if (session_) gnutls_deinit(session_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;

  [[nodiscard]] std::string url(const std::string& host = "127.0.0.1") const {
    return std::string(secure_ ? "wss" : "ws") + "://" + host + ":" +
           std::to_string(port_) + "/meet/m?token=t";
  }
  // As PEM; it is for "localhost".
  [[nodiscard]] std::string certificate() const {
    gnutls_datum_t der{};
    gnutls_datum_t pem{};
    ck_assert_int_eq(
        gnutls_certificate_get_crt_raw(credentials_->handle, 0, 0, &der), 0);
    ck_assert_int_eq(gnutls_pem_base64_encode2("CERTIFICATE", &der, &pem), 0);
    std::string text(reinterpret_cast<char*>(pem.data), pem.size);
    gnutls_free(pem.data);
    return text;
  }
  void stop_listening() { listener_.reset(); }
  void hang_up() { socket_.reset(); }

  // Takes the connection, and goes on with what there is to read and write.
  void step() {
    if (!socket_ && listener_ && !ended) accept_one();
    if (!socket_ || !shake_hands()) return;
    flush();
    char buffer[16 * 1024];
    for (;;) {
      const ssize_t size =
          session_ ? gnutls_record_recv(session_, buffer, sizeof buffer)
                   : recv(socket_.get(), buffer, sizeof buffer, 0);
      if (size > 0) in.append(buffer, static_cast<size_t>(size));
      if (size == 0) ended = true;
      if (size <= 0) return;
    }
  }
  void send(const std::string& bytes) {
    out_ += bytes;
    flush();
  }
  void send_frame(int opcode, const std::string& payload) {
    std::string frame(1, static_cast<char>(0x80 | opcode));
    const size_t size = payload.size();
    const size_t more = size < 126 ? 0 : size < 65'536 ? 2 : 8;
    frame += static_cast<char>(more == 0 ? size : more == 2 ? 126 : 127);
    for (size_t i = more; i > 0; --i)
      frame += static_cast<char>(uint64_t{size} >> (8 * (i - 1)));
    send(frame + payload);
  }

  // The request is here as a whole.
  [[nodiscard]] bool asked() const {
    return in.find("\r\n\r\n") != std::string::npos;
  }
  void accept_upgrade() {
    const std::string name = "Sec-WebSocket-Key: ";
    const size_t at = in.find(name);
    ck_assert(at != std::string::npos);
    const std::string text = in.substr(at + name.size(), 24) +
                             "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    uint8_t digest[20];
    gnutls_hash_fast(GNUTLS_DIG_SHA1, text.data(), text.size(), digest);
    const gnutls_datum_t raw = {digest, sizeof digest};
    gnutls_datum_t encoded = {};
    gnutls_base64_encode2(&raw, &encoded);
    send(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
        std::string(reinterpret_cast<char*>(encoded.data), encoded.size) +
        "\r\n\r\n");
    gnutls_free(encoded.data);
  }
  // What came behind the request, as far as it is whole.
  [[nodiscard]] std::vector<RawFrame> frames() const {
    std::vector<RawFrame> all;
    size_t at = in.find("\r\n\r\n");
    if (at == std::string::npos) return all;
    at += 4;
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(in[i]); };
    while (at + 6 <= in.size()) {
      RawFrame frame;
      frame.opcode = byte(at) & 0x0f;
      ck_assert_msg(byte(at + 1) & 0x80, "a client's frame without a mask");
      size_t size = byte(at + 1) & 0x7f;
      const size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
      if (at + 6 + more > in.size()) break;
      if (more > 0) size = 0;
      for (size_t i = 0; i < more; ++i) size = size << 8 | byte(at + 2 + i);
      const size_t mask = at + 2 + more;
      if (mask + 4 + size > in.size()) break;
      for (size_t i = 0; i < size; ++i)
        frame.payload +=
            static_cast<char>(byte(mask + 4 + i) ^ byte(mask + i % 4));
      at = mask + 4 + size;
      all.push_back(std::move(frame));
    }
    return all;
  }

  std::string in;      // all that came
  bool ended = false;  // the client's side

 private:
  void accept_one() {
    socket_.reset(accept4(listener_.get(), nullptr, nullptr,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket_ || !secure_) return;
    gnutls_init(&session_, GNUTLS_SERVER | GNUTLS_NONBLOCK);
    gnutls_set_default_priority(session_);
    gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE,
                           credentials_->handle);
    gnutls_transport_set_int(session_, socket_.get());
  }
  bool shake_hands() {
    if (!session_ || shaken_) return true;
    const int rv = gnutls_handshake(session_);
    shaken_ = rv == 0;
    if (rv < 0 && gnutls_error_is_fatal(rv)) ended = true, socket_.reset();
    return shaken_;
  }
  void flush() {
    while (!out_.empty() && socket_) {
      const ssize_t size =
          session_
              ? gnutls_record_send(session_, out_.data(), out_.size())
              : ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
      if (size <= 0) return;
      out_.erase(0, static_cast<size_t>(size));
    }
  }

  const bool secure_;
  uint16_t port_ = 0;
  UniqueFd listener_;
  UniqueFd socket_;
  std::shared_ptr<const quic::Credentials> credentials_;
  gnutls_session_t session_ = nullptr;  // owned
  bool shaken_ = false;
  std::string out_;
};

}  // namespace videocall::websocket::testing
