// SPDX-License-Identifier: MIT
#include "libvideocall/quic/session_quota.h"

#include <arpa/inet.h>

#include <map>
#include <utility>

namespace videocall::quic {

SessionQuota::Seat& SessionQuota::Seat::operator=(Seat&& other) noexcept {
  if (this == &other) return *this;
  leave();
  quota_ = std::move(other.quota_);
  key_ = std::move(other.key_);
  return *this;
}

void SessionQuota::Seat::leave() {
  if (const auto quota = std::exchange(quota_, nullptr)) quota->give_back(key_);
}

std::shared_ptr<SessionQuota> SessionQuota::create() {
  auto quota = std::make_shared<SessionQuota>(Private{});
  quota->self_ = quota;
  return quota;
}

std::shared_ptr<SessionQuota> SessionQuota::of(const std::string& name) {
  struct Names {
    std::mutex mutex;  // guards quotas
    std::map<std::string, std::weak_ptr<SessionQuota>> quotas;
  };
  // Never destroyed: streaming threads may outlive main's statics.
  static auto* const names = new Names;
  const std::lock_guard lock(names->mutex);
  std::erase_if(names->quotas,
                [](const auto& item) { return item.second.expired(); });
  auto& known = names->quotas[name];
  auto quota = known.lock();
  if (!quota) known = quota = create();
  return quota;
}

std::optional<ConnectRefusal> SessionQuota::judge(const std::string& key,
                                                  const Bounds& bounds) const {
  if (sessions_ >= bounds.sessions) return ConnectRefusal::full;
  if (bounds.per_address == 0) return std::nullopt;
  const auto found = by_address_.find(key);
  if (found == by_address_.end() || found->second < bounds.per_address)
    return std::nullopt;
  return ConnectRefusal::address;
}

std::optional<ConnectRefusal> SessionQuota::refusal(
    std::string_view address, const Bounds& bounds) const {
  const std::string key = key_of(address);
  const std::lock_guard lock(mutex_);
  return judge(key, bounds);
}

std::optional<ConnectRefusal> SessionQuota::take(std::string_view address,
                                                 const Bounds& bounds,
                                                 Seat& seat) {
  Seat taken;
  taken.key_ = key_of(address);
  {
    const std::lock_guard lock(mutex_);
    if (const auto why = judge(taken.key_, bounds)) return why;
    ++by_address_[taken.key_];
    ++sessions_;
  }
  taken.quota_ = self_.lock();
  seat = std::move(taken);
  return std::nullopt;
}

void SessionQuota::give_back(const std::string& key) {
  const std::lock_guard lock(mutex_);
  --sessions_;
  const auto found = by_address_.find(key);
  if (--found->second == 0) by_address_.erase(found);
}

size_t SessionQuota::sessions() const {
  const std::lock_guard lock(mutex_);
  return sessions_;
}

std::string SessionQuota::key_of(std::string_view address) {
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

QuotaAnswer answer_of(ConnectRefusal refusal) {
  if (refusal == ConnectRefusal::address)
    return {429, "too many sessions from this address"};
  return {503, "too many sessions"};
}

}  // namespace videocall::quic
