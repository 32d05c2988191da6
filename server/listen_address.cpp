// SPDX-License-Identifier: MIT
#include "server/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>

namespace videocall::server {
namespace {

Error wrong(std::string_view text) {
  return Error{Errc::invalid_argument,
               "\"" + std::string(text) +
                   "\" is not a numeric ADDR:PORT such as 127.0.0.1:8080 or "
                   "[::1]:8080"};
}

}  // namespace

Result<ListenAddress> ListenAddress::parse(std::string_view text) {
  ListenAddress address;
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const char* end = port.data() + port.size();
  const auto parsed = std::from_chars(port.data(), end, address.port);
  if (port.empty() || parsed.ec != std::errc() || parsed.ptr != end)
    return wrong(text);

  address.is_ipv6 = host.starts_with('[') && host.ends_with(']');
  if (address.is_ipv6) host = host.substr(1, host.size() - 2);
  in6_addr bytes{};
  char canonical[INET6_ADDRSTRLEN] = {};
  const int family = address.is_ipv6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, std::string(host).c_str(), &bytes) != 1 ||
      inet_ntop(family, &bytes, canonical, sizeof canonical) == nullptr)
    return wrong(text);
  address.ip = canonical;
  return address;
}

bool ListenAddress::is_loopback() const {
  return is_ipv6 ? ip == "::1" : ip.starts_with("127.");
}

bool ListenAddress::is_wildcard() const {
  return ip == (is_ipv6 ? "::" : "0.0.0.0");
}

std::string ListenAddress::text() const {
  return url_host(ip) + ":" + std::to_string(port);
}

std::string url_host(std::string_view ip) {
  if (ip.find(':') == std::string_view::npos) return std::string(ip);
  return "[" + std::string(ip) + "]";
}

}  // namespace videocall::server
