// SPDX-License-Identifier: MIT
#include "libvideocall/quic/socket_address.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <charconv>
#include <cstring>
#include <memory>

namespace videocall::quic {
namespace {

constexpr size_t kMaxResolved = 8;

Error bad_address(std::string_view text) {
  return {Errc::invalid_argument,
          "\"" + std::string(text) +
              "\" is no numeric ADDRESS:PORT such as 127.0.0.1:4433 or "
              "[::1]:4433"};
}

const sockaddr_in& v4(const sockaddr_storage& s) {
  return reinterpret_cast<const sockaddr_in&>(s);
}
const sockaddr_in6& v6(const sockaddr_storage& s) {
  return reinterpret_cast<const sockaddr_in6&>(s);
}

}  // namespace

SocketAddress SocketAddress::from(const sockaddr_storage& storage,
                                  socklen_t size) {
  SocketAddress address;
  address.storage = storage;
  address.size = size;
  return address;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad_address(text);
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  uint16_t port = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size())
    return bad_address(text);

  SocketAddress address;
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    auto& in6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    const std::string name(host.substr(1, host.size() - 2));
    if (inet_pton(AF_INET6, name.c_str(), &in6.sin6_addr) != 1)
      return bad_address(text);
    in6.sin6_family = AF_INET6;
    address.size = sizeof in6;
  } else {
    auto& in = reinterpret_cast<sockaddr_in&>(address.storage);
    if (inet_pton(AF_INET, std::string(host).c_str(), &in.sin_addr) != 1)
      return bad_address(text);
    in.sin_family = AF_INET;
    address.size = sizeof in;
  }
  address.set_port(port);
  return address;
}

Result<std::vector<SocketAddress>> SocketAddress::resolve(
    const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* list = nullptr;
  const int code =
      getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  if (code != 0) {
    return Error{Errc::not_found,
                 "host \"" + host + "\" was not found: " + gai_strerror(code)};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(list,
                                                                 &freeaddrinfo);
  std::vector<SocketAddress> found;
  for (const addrinfo* info = list; info && found.size() < kMaxResolved;
       info = info->ai_next) {
    if (info->ai_family != AF_INET && info->ai_family != AF_INET6) continue;
    SocketAddress address;
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
    found.push_back(address);
  }
  if (found.empty())
    return Error{Errc::not_found, "host \"" + host + "\" has no IP address"};
  return found;
}

uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET6 ? v6(storage).sin6_port
                                    : v4(storage).sin_port);
}

void SocketAddress::set_port(uint16_t port) {
  if (family() == AF_INET6)
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  else
    reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
}

bool SocketAddress::is_wildcard() const {
  return family() == AF_INET6
             ? IN6_IS_ADDR_UNSPECIFIED(&v6(storage).sin6_addr)
             : v4(storage).sin_addr.s_addr == htonl(INADDR_ANY);
}

std::string SocketAddress::to_string() const {
  char host[INET6_ADDRSTRLEN] = "?";
  const std::string port_text = ":" + std::to_string(port());
  if (family() == AF_INET6) {
    inet_ntop(AF_INET6, &v6(storage).sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]" + port_text;
  }
  inet_ntop(AF_INET, &v4(storage).sin_addr, host, sizeof host);
  return host + port_text;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (family() == AF_INET6) {
    return std::memcmp(&v6(storage).sin6_addr, &v6(other.storage).sin6_addr,
                       sizeof(in6_addr)) == 0;
  }
  return v4(storage).sin_addr.s_addr == v4(other.storage).sin_addr.s_addr;
}

}  // namespace videocall::quic
