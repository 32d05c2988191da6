// SPDX-License-Identifier: MIT
// What one part of the relay counts, read from its stats property: numbers and
// histograms under the names of docs/element-contract.md.
#pragma once

#include <map>
#include <string>

#include "server/metrics_text.h"

namespace videocall::server {

struct Statistics {
  std::string part;  // the structure's name, such as videocallrouter-stats
  std::map<std::string, double, std::less<>> numbers;
  std::map<std::string, MetricHistogram, std::less<>> histograms;
};

}  // namespace videocall::server
