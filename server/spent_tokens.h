// SPDX-License-Identifier: MIT
// Which tokens were used up: each opens one session. A token is remembered
// until it has expired anyway, and at most so many at a time. What it cannot
// remember it does not let through: then nobody new gets in for a while. Any
// thread.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_set>
#include <utility>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/limits.h"

namespace videocall::server {

class SpentTokens {
 public:
  // |lifetime|: how long after it was spent a token could still be valid.
  explicit SpentTokens(Duration lifetime,
                       size_t max = limits::kMaxSpentTokensPerNode)
      : lifetime_(lifetime), max_(max) {}

  void add(const std::string& token_id, Time now) {
    const std::lock_guard lock(mutex_);
    forget_expired(now);
    if (ids_.contains(token_id)) return;
    if (ids_.size() >= max_) {
      // One was spent that it does not know.
      blind_until_ = now + lifetime_;
      return;
    }
    ids_.insert(token_id);
    by_time_.emplace_back(now + lifetime_, token_id);
  }

  bool contains(const std::string& token_id) const {
    const std::lock_guard lock(mutex_);
    return ids_.contains(token_id);
  }

  // Whether another token can be remembered, and all that were spent are
  // known; if not, no token may open a session.
  bool has_room(Time now) {
    const std::lock_guard lock(mutex_);
    forget_expired(now);
    return ids_.size() < max_ && now >= blind_until_;
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
  const size_t max_;
  mutable std::mutex mutex_;  // guards all below
  std::unordered_set<std::string> ids_;
  std::deque<std::pair<Time, std::string>> by_time_;  // oldest first
  Time blind_until_ = Time::min();
};

}  // namespace videocall::server
