// SPDX-License-Identifier: MIT
// Bounds that a load test must keep.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/loadtest/results.h"

namespace videocall::loadtest {

struct Bounds {
  std::optional<double> p99_ms;
  std::optional<double> loss_percent;
  std::optional<double> first_picture_ms;  // p95
  std::optional<double> groups_cut;        // a viewer and minute
  std::optional<double> core_s_per_gb;
  std::optional<double> kb_per_session;
  double failed = 0;  // sessions

  // A sentence for each bound that |results| break, or that cannot be judged.
  // Latency, loss, pictures and groups are those of the steady viewers, if
  // there are any.
  [[nodiscard]] std::vector<std::string> broken(const Results& results) const;
};

}  // namespace videocall::loadtest
