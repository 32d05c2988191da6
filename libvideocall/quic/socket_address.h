// SPDX-License-Identifier: MIT
// A numeric IP address and UDP port, as the socket calls want it.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"

namespace videocall::quic {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  static SocketAddress from(const sockaddr_storage& storage, socklen_t size);
  // "127.0.0.1:4433" or "[::1]:4433"; names are not looked up.
  static Result<SocketAddress> parse(std::string_view text);
  // The UDP addresses of |host| (a name or a number) in the resolver's order,
  // at most 8. Blocks on DNS. Errc::not_found names the host.
  static Result<std::vector<SocketAddress>> resolve(const std::string& host,
                                                    uint16_t port);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  int family() const { return storage.ss_family; }
  uint16_t port() const;
  void set_port(uint16_t port);
  // 0.0.0.0 or ::
  bool is_wildcard() const;
  // "127.0.0.1:4433", "[::1]:4433".
  std::string to_string() const;
  bool operator==(const SocketAddress& other) const;
};

}  // namespace videocall::quic
