// SPDX-License-Identifier: MIT
// How many sessions there are, in all and of each address, against bounds. An
// IPv6 address counts with its /64, since one household or host has all of it.
// Thread-safe: all shards of a listener share one, and all listeners of one
// name, whatever their transports.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libvideocall/base/export.h"
#include "libvideocall/quic/endpoint.h"

namespace videocall::quic {

class VIDEOCALL_API SessionQuota {
 public:
  // Each listener's own; what it counts against them is common.
  struct Bounds {
    size_t sessions = limits::kMaxSessionsPerEndpoint;
    size_t per_address = 0;  // 0: none
  };
  // A session that is counted, until it is over or this is destroyed.
  class VIDEOCALL_API Seat {
   public:
    Seat() = default;
    Seat(Seat&& other) noexcept = default;
    Seat& operator=(Seat&& other) noexcept;
    ~Seat() { leave(); }
    void leave();

   private:
    friend class SessionQuota;
    std::shared_ptr<SessionQuota> quota_;
    std::string key_;
  };

  // A new one.
  static std::shared_ptr<SessionQuota> create();
  // The one that all of |name| in this process share.
  static std::shared_ptr<SessionQuota> of(const std::string& name);

  // Why one more session of |address| ("ADDR:PORT", numeric) would not fit.
  std::optional<ConnectRefusal> refusal(std::string_view address,
                                        const Bounds& bounds) const;
  // Counts a session in |seat|, or says why it does not fit.
  std::optional<ConnectRefusal> take(std::string_view address,
                                     const Bounds& bounds, Seat& seat);
  size_t sessions() const;

  // What |address| counts as: without port, IPv6 by its first 64 bits.
  static std::string key_of(std::string_view address);

 private:
  struct Private {};

 public:
  explicit SessionQuota(Private) {}  // create() makes them

 private:
  std::optional<ConnectRefusal> judge(const std::string& key,
                                      const Bounds& bounds) const;
  void give_back(const std::string& key);

  std::weak_ptr<SessionQuota> self_;
  mutable std::mutex mutex_;  // guards what follows
  size_t sessions_ = 0;
  std::unordered_map<std::string, size_t> by_address_;
};

// How a request is answered that does not fit.
struct QuotaAnswer {
  int status = 0;  // of HTTP
  std::string_view reason;
};
VIDEOCALL_API QuotaAnswer answer_of(ConnectRefusal refusal);

}  // namespace videocall::quic
