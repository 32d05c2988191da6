// SPDX-License-Identifier: MIT
// A TCP connection that says whatever bytes a test likes.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <string_view>

#include "libvideocall/base/unique_fd.h"
#include "tests/support/loopback.h"

// After the standard headers: it defines a macro called fail.
#include <check.h>

namespace videocall::badinput {

class TcpClient {
 public:
  explicit TcpClient(uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    videocall::testing::connect_to_loopback(fd_.get(), port);
  }

  // False: the server takes no more.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t size =
          ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      text.remove_prefix(static_cast<size_t>(size));
    }
    return true;
  }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }

  // Reads until the server closes or |enough| is in what came.
  std::string read(std::string_view enough = "\r\n\r\n") {
    while (text_.find(enough) == std::string::npos && read_some()) {
    }
    return text_;
  }
  // Waits for more of it; false: the server has closed, or is silent.
  bool read_some() {
    pollfd entry{fd_.get(), POLLIN, 0};
    if (poll(&entry, 1, 20'000) <= 0) return false;
    char bytes[16 * 1024];
    const ssize_t size = recv(fd_.get(), bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    text_.append(bytes, static_cast<size_t>(size));
    return true;
  }
  // Whether the server closes within |patience|; what it says is kept.
  bool closed(std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      pollfd entry{fd_.get(), POLLIN, 0};
      if (left.count() <= 0 ||
          poll(&entry, 1, static_cast<int>(left.count())) <= 0)
        return false;
      if (!read_some()) return true;
    }
  }
  // Of the first answer, 0 if there is none.
  int status() const {
    return text_.starts_with("HTTP/1.") && text_.size() > 12
               ? std::stoi(text_.substr(9, 3))
               : 0;
  }
  const std::string& text() const { return text_; }

 private:
  UniqueFd fd_;
  std::string text_;
};

}  // namespace videocall::badinput
