// SPDX-License-Identifier: MIT
// Sockets on this machine's own IPv4 address.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

// After the standard headers: it defines a macro called fail.
#include <check.h>

namespace videocall::testing {

inline sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Binds |socket| to a port that is free, which is returned.
inline uint16_t bind_to_loopback(int socket) {
  sockaddr_in address = loopback(0);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  ck_assert_int_eq(::bind(socket, raw, size), 0);
  ck_assert_int_eq(::getsockname(socket, raw, &size), 0);
  return ntohs(address.sin_port);
}

inline void connect_to_loopback(int socket, uint16_t port) {
  const sockaddr_in address = loopback(port);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  ck_assert_int_eq(::connect(socket, raw, sizeof address), 0);
}

}  // namespace videocall::testing
