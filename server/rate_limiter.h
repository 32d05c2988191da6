// SPDX-License-Identifier: MIT
// How often one address may do something: a token bucket per IPv4 address or
// IPv6 /64 (what one household or phone has). Bounded in memory. One thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libvideocall/base/time.h"

namespace videocall::server {

class RateLimiter {
 public:
  // Above this many addresses at a time the ones that are full again are
  // forgotten; if there are none, newcomers are refused.
  static constexpr size_t kMaxAddresses = 100'000;

  // |per_second| 0: everything is allowed.
  RateLimiter(double per_second, double burst);

  // From now on; what was counted stays.
  void set_rate(double per_second, double burst) {
    per_second_ = per_second;
    burst_ = burst;
  }

  // Whether |address| (numeric) may act at |now|; counts it if so.
  bool allow(std::string_view address, Time now);

  size_t addresses() const { return buckets_.size(); }

 private:
  struct Bucket {
    double left;
    Time at;
  };
  double level(const Bucket& bucket, Time now) const;
  void forget_full(Time now);

  double per_second_;
  double burst_;
  std::unordered_map<std::string, Bucket> buckets_;
};

// What the limiter counts |address| under.
std::string rate_limit_key(std::string_view address);

}  // namespace videocall::server
