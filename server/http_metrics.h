// SPDX-License-Identifier: MIT
// How the HTTP API does: answers by route and status, and how long they took.
// One thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "libvideocall/base/counter.h"
#include "server/metrics_text.h"

namespace videocall::server {

enum class Route : uint8_t { join, meeting, health, page, other };
inline constexpr size_t kRoutes = 5;

// Of |path|, whatever the method. Bounded: no id becomes a label.
Route route_of(std::string_view path);

class HttpMetrics {
 public:
  void count(Route route, unsigned status, Duration took);
  void add_metrics(MetricsText& out) const;

 private:
  std::map<std::pair<Route, unsigned>, uint64_t> answers_;
  std::array<DurationHistogram, kRoutes> took_;
};

}  // namespace videocall::server
