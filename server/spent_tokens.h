// SPDX-License-Identifier: MIT
// Which tokens were used up: each opens one session. A token is remembered
// until it has expired anyway, so the memory is bounded by the joins of a
// token's lifetime. Any thread.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

#include "libvideocall/base/time.h"

namespace videocall::server {

class SpentTokens {
 public:
  // |lifetime|: how long after it was spent a token could still be valid.
  explicit SpentTokens(Duration lifetime) : lifetime_(lifetime) {}

  void add(const std::string& token_id, Time now) {
    const std::lock_guard lock(mutex_);
    forget_expired(now);
    if (ids_.insert(token_id).second)
      by_time_.emplace_back(now + lifetime_, token_id);
  }

  bool contains(const std::string& token_id) const {
    const std::lock_guard lock(mutex_);
    return ids_.contains(token_id);
  }

  size_t size() const {
    const std::lock_guard lock(mutex_);
    return ids_.size();
  }

 private:
  void forget_expired(Time now) {
    while (!by_time_.empty() && by_time_.front().first <= now) {
      ids_.erase(by_time_.front().second);
      by_time_.pop_front();
    }
  }

  const Duration lifetime_;
  mutable std::mutex mutex_;  // guards the two below
  std::unordered_set<std::string> ids_;
  std::deque<std::pair<Time, std::string>> by_time_;  // oldest first
};

}  // namespace videocall::server
