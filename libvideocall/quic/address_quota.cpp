// SPDX-License-Identifier: MIT
#include "libvideocall/quic/address_quota.h"

#include <arpa/inet.h>

namespace videocall::quic {

bool AddressQuota::has_room(std::string_view address) const {
  if (bound_ == 0) return true;
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key_of(address));
  return found == sessions_.end() || found->second < bound_;
}

bool AddressQuota::take(std::string_view address) {
  if (bound_ == 0) return true;
  const std::lock_guard lock(mutex_);
  size_t& count = sessions_[key_of(address)];
  if (count >= bound_) return false;
  ++count;
  return true;
}

void AddressQuota::give_back(std::string_view address) {
  if (bound_ == 0) return;
  const std::lock_guard lock(mutex_);
  const auto found = sessions_.find(key_of(address));
  if (found == sessions_.end()) return;
  if (--found->second == 0) sessions_.erase(found);
}

std::string AddressQuota::key_of(std::string_view address) {
  std::string host(address.substr(0, address.rfind(':')));
  if (host.empty() || host.front() != '[') return host;
  host = host.substr(1, host.find_first_of("]%") - 1);
  in6_addr bytes{};
  if (inet_pton(AF_INET6, host.c_str(), &bytes) != 1) return host;
  // A client of IPv4 on a socket of both.
  if (IN6_IS_ADDR_V4MAPPED(&bytes)) {
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, bytes.s6_addr + 12, text, sizeof text);
    return text;
  }
  return {reinterpret_cast<const char*>(bytes.s6_addr), 8};
}

}  // namespace videocall::quic
