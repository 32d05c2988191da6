// SPDX-License-Identifier: MIT
#include "server/rate_limiter.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace videocall::server {

RateLimiter::RateLimiter(double per_second, double burst)
    : per_second_(per_second), burst_(burst) {}

bool RateLimiter::allow(std::string_view address, Time now) {
  if (per_second_ <= 0) return true;
  const std::string key = rate_limit_key(address);
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    if (buckets_.size() >= kMaxAddresses) forget_full(now);
    if (buckets_.size() >= kMaxAddresses) return false;
    found = buckets_.emplace(key, Bucket{burst_, now}).first;
  }
  Bucket& bucket = found->second;
  bucket.left = level(bucket, now);
  bucket.at = std::max(bucket.at, now);
  if (bucket.left < 1) return false;
  bucket.left -= 1;
  return true;
}

double RateLimiter::level(const Bucket& bucket, Time now) const {
  if (now <= bucket.at) return bucket.left;
  const std::chrono::duration<double> passed = now - bucket.at;
  return std::min(burst_, bucket.left + passed.count() * per_second_);
}

void RateLimiter::forget_full(Time now) {
  std::erase_if(buckets_, [&](const auto& entry) {
    return level(entry.second, now) >= burst_;
  });
}

std::string rate_limit_key(std::string_view address) {
  in6_addr bytes{};
  std::string text(address);
  if (inet_pton(AF_INET6, text.c_str(), &bytes) != 1) return text;
  char network[INET6_ADDRSTRLEN] = {};
  std::fill(bytes.s6_addr + 8, bytes.s6_addr + 16, uint8_t{0});
  inet_ntop(AF_INET6, &bytes, network, sizeof network);
  return std::string(network) + "/64";
}

}  // namespace videocall::server
