// SPDX-License-Identifier: MIT
// How many sessions each address has, against a bound. An IPv6 address counts
// with its /64, since one household or host has all of it. Thread-safe: the
// shards of a listener share one.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libvideocall/base/export.h"

namespace videocall::quic {

class VIDEOCALL_API AddressQuota {
 public:
  // Before anything else. 0: no bound.
  void set_bound(size_t bound) { bound_ = bound; }

  // Whether one more session of |address| ("ADDR:PORT", numeric) would fit.
  bool has_room(std::string_view address) const;
  // Counts a session; false if it is one too many (it is not counted then).
  bool take(std::string_view address);
  // A session that was counted is over.
  void give_back(std::string_view address);

  // What |address| counts as: without port, IPv6 by its first 64 bits.
  static std::string key_of(std::string_view address);

 private:
  size_t bound_ = 0;
  mutable std::mutex mutex_;  // guards sessions_
  std::unordered_map<std::string, size_t> sessions_;
};

}  // namespace videocall::quic
