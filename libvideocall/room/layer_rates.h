// SPDX-License-Identifier: MIT
// What one simulcast layer costs, by its temporal layers: measured second by
// second and smoothed over about four, since a group's key frame comes once in
// that time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "libvideocall/base/time.h"
#include "libvideocall/wire/limits.h"

namespace videocall::room {

class LayerRates {
 public:
  static constexpr size_t kTemporalLayers = limits::kMaxTemporalLayer + 1;

  // A packet of |bytes| came. |target_kbps| is what its header says, or 0.
  void add(uint8_t temporal, size_t bytes, uint32_t target_kbps) {
    bytes_[temporal] += bytes;
    if (temporal > top_) top_ = temporal;
    if (target_kbps > 0) target_bps_ = 1000.0 * target_kbps;
  }

  // Once a second; a second without packets counts as none, since a layer that
  // is not sent costs as much as ever when it comes back.
  void roll(Time now) {
    const std::chrono::duration<double> passed = now - rolled_;
    const bool first = rolled_ == Time{};
    rolled_ = now;
    size_t sum = 0;
    for (const size_t bytes : bytes_) sum += bytes;
    if (!first && sum > 0 && passed.count() > 0) {
      for (size_t i = 0; i < kTemporalLayers; ++i) {
        const double bps =
            8.0 * static_cast<double>(bytes_[i]) / passed.count();
        bps_[i] += (bps - bps_[i]) * (measured_ ? kSmoothing : 1.0);
      }
      measured_ = true;
    }
    bytes_ = {};
  }

  // The highest temporal layer that was seen.
  uint8_t top() const { return top_; }

  // Bits a second of the temporal layers 0 to |temporal|. Before anything was
  // measured what the sender says, else |guess_bps|; of that the base has half.
  double bps(uint8_t temporal, double guess_bps) const {
    if (!measured_) {
      const double all = target_bps_ > 0 ? target_bps_ : guess_bps;
      return temporal >= top_ ? all : all * (temporal + 1) / (top_ + 1.0);
    }
    double sum = 0;
    for (size_t i = 0; i <= temporal; ++i) sum += bps_[i];
    return sum;
  }

 private:
  static constexpr double kSmoothing = 0.25;

  std::array<size_t, kTemporalLayers> bytes_{};  // since rolled_
  std::array<double, kTemporalLayers> bps_{};
  double target_bps_ = 0;
  Time rolled_{};
  uint8_t top_ = 0;
  bool measured_ = false;
};

}  // namespace videocall::room
