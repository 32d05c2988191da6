// SPDX-License-Identifier: MIT
// How full this node is: whether it takes newcomers, and if not, why. Those
// who are here or come back are never turned away by it. Fed once a second by
// one thread, asked by any.
#pragma once

#include <atomic>
#include <cstddef>

#include "libvideocall/base/time.h"
#include "server/metrics_text.h"

namespace videocall::server {

// What keeps newcomers out.
enum class Full : unsigned char { no, sessions, bandwidth, cpu };

// "sessions", …; "" of no.
const char* to_string(Full full);
// A sentence for people; "" of no.
const char* explain(Full full);

class NodeLoad {
 public:
  // When to ask again; for Retry-After.
  static constexpr int kRetryAfterS = 5;

  struct Bounds {
    size_t max_sessions = 0;
    double max_cpu_percent = 0;  // of all cores; 0: no bound
  };
  struct Sample {
    double cpu_seconds = 0;  // of the process, since it began
    double cores = 1;
    size_t sessions = 0;
    double shed_level = 0;  // > 0: max-bytes-out is reached
  };

  explicit NodeLoad(Bounds bounds) : bounds_(bounds) {}

  void set_bounds(Bounds bounds) { bounds_ = bounds; }
  void update(const Sample& sample, Time now);

  Full full() const { return full_.load(std::memory_order_relaxed); }
  // Averaged over some seconds.
  double cpu_percent() const {
    return cpu_percent_.load(std::memory_order_relaxed);
  }
  void add_metrics(MetricsText& out) const;

 private:
  // The share of a new second in the average.
  static constexpr double kWeight = 0.3;
  // Back below this share of the bound before newcomers are taken again.
  static constexpr double kRelief = 0.9;

  bool cpu_is_full() const;

  // The feeding thread's.
  Bounds bounds_;
  Time sampled_{};
  double cpu_seconds_ = 0;
  bool cpu_full_ = false;
  // Read by any thread.
  std::atomic<double> cpu_percent_{0};
  std::atomic<Full> full_{Full::no};
};

}  // namespace videocall::server
