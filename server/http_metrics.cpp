// SPDX-License-Identifier: MIT
#include "server/http_metrics.h"

#include <string>

namespace videocall::server {
namespace {

constexpr const char* kNames[kRoutes] = {"join", "meeting", "health", "page",
                                         "other"};

std::string route_label(Route route) {
  return label("route", kNames[static_cast<size_t>(route)]);
}

}  // namespace

Route route_of(std::string_view path) {
  if (path.starts_with("/api/v1/meetings/"))
    return path.ends_with("/join") ? Route::join : Route::meeting;
  if (path == "/healthz" || path == "/readyz" || path == "/version")
    return Route::health;
  return path.starts_with("/api") ? Route::other : Route::page;
}

void HttpMetrics::count(Route route, unsigned status, Duration took) {
  ++answers_[{route, status}];
  took_[static_cast<size_t>(route)].add(took);
}

void HttpMetrics::add_metrics(MetricsText& out) const {
  constexpr const char* kTotal = "videocall_http_requests_total";
  constexpr const char* kTotalHelp = "HTTP requests that were answered.";
  // There from the start, so that a rate can be told from the first answer on.
  out.counter(kTotal, kTotalHelp,
              route_label(Route::join) + "," + label("status", "200"), 0);
  for (const auto& [key, count] : answers_)
    out.counter(kTotal, kTotalHelp,
                route_label(key.first) + "," +
                    label("status", std::to_string(key.second)),
                static_cast<double>(count));
  for (size_t i = 0; i < kRoutes; ++i)
    out.histogram("videocall_http_request_duration_seconds",
                  "From the whole request to its answer.",
                  route_label(static_cast<Route>(i)),
                  MetricHistogram::from(took_[i].snapshot()));
}

}  // namespace videocall::server
