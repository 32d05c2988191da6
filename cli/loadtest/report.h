// SPDX-License-Identifier: MIT
// The results as one page that needs nothing else: the table, and latency,
// loss and the server's CPU over time as SVG.
#pragma once

#include <string>
#include <vector>

#include "cli/loadtest/results.h"

namespace videocall::loadtest {

// |broken|: the bounds that were broken, a sentence each.
std::string report_page(const Results& results,
                        const std::vector<std::string>& broken);

}  // namespace videocall::loadtest
