// SPDX-License-Identifier: MIT
// A numeric address with a port, as "127.0.0.1:8080" or "[::1]:8080".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libvideocall/base/result.h"

namespace videocall::server {

struct ListenAddress {
  std::string ip;  // canonical, without brackets
  uint16_t port = 0;
  bool is_ipv6 = false;

  // Errors: invalid_argument, with the right form.
  static Result<ListenAddress> parse(std::string_view text);

  bool is_loopback() const;  // only this machine can reach it
  bool is_wildcard() const;  // all addresses of the machine
  std::string text() const;  // the form that parse() reads
  bool operator==(const ListenAddress&) const = default;
};

// |ip| as it stands in a URL: IPv6 in brackets.
std::string url_host(std::string_view ip);

}  // namespace videocall::server
