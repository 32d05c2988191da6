// SPDX-License-Identifier: MIT
// A NAT: passes datagrams between one client and a server on loopback, and on
// command takes another port towards the server.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "libvideocall/base/unique_fd.h"
#include "libvideocall/quic/socket_address.h"

namespace videocall::testing {

class UdpForwarder {
 public:
  explicit UdpForwarder(uint16_t server_port)
      : server_(*quic::SocketAddress::parse("127.0.0.1:" +
                                            std::to_string(server_port))),
        inside_(make_socket()) {
    auto any = *quic::SocketAddress::parse("127.0.0.1:0");
    bind(inside_.get(), any.get(), any.size);
    getsockname(inside_.get(), any.get(), &any.size);
    port_ = any.port();
    outside_ = make_outside();
    thread_ = std::thread([this] { run(); });
  }
  ~UdpForwarder() {
    stop_ = true;
    thread_.join();
  }
  UdpForwarder(const UdpForwarder&) = delete;
  UdpForwarder& operator=(const UdpForwarder&) = delete;

  uint16_t port() const { return port_; }
  // What comes to the old port from now on is lost.
  void move() {
    const std::lock_guard lock(mutex_);
    outside_ = make_outside();
  }

 private:
  static UniqueFd make_socket() {
    return UniqueFd(
        socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
  UniqueFd make_outside() {
    UniqueFd fd = make_socket();
    connect(fd.get(), server_.get(), server_.size);
    return fd;
  }

  void run() {
    std::vector<uint8_t> buffer(65'536);
    while (!stop_) {
      const std::lock_guard lock(mutex_);
      pollfd entries[2] = {{inside_.get(), POLLIN, 0},
                           {outside_.get(), POLLIN, 0}};
      if (poll(entries, 2, 1) <= 0) continue;
      if (entries[0].revents) {
        client_.size = sizeof client_.storage;
        const ssize_t size =
            recvfrom(inside_.get(), buffer.data(), buffer.size(), 0,
                     client_.get(), &client_.size);
        if (size > 0)
          send(outside_.get(), buffer.data(), static_cast<size_t>(size), 0);
      }
      if (entries[1].revents) {
        const ssize_t size =
            recv(outside_.get(), buffer.data(), buffer.size(), 0);
        if (size > 0) {
          sendto(inside_.get(), buffer.data(), static_cast<size_t>(size), 0,
                 client_.get(), client_.size);
        }
      }
    }
  }

  quic::SocketAddress server_;
  UniqueFd inside_;
  uint16_t port_ = 0;
  std::mutex mutex_;  // guards outside_ and client_
  UniqueFd outside_;
  quic::SocketAddress client_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace videocall::testing
