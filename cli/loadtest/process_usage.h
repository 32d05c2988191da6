// SPDX-License-Identifier: MIT
// CPU and memory of processes, as the operating system counts them.
#pragma once

#include <optional>
#include <vector>

namespace videocall::loadtest {

struct ProcessUsage {
  double cpu_seconds = 0;  // user and system, of all threads, since its start
  double resident_kb = 0;
};

// Nothing if there is no such process (any more).
std::optional<ProcessUsage> read_usage(int pid);

// Of each of |pids|; nothing if one is missing.
std::optional<std::vector<ProcessUsage>> read_usages(
    const std::vector<int>& pids);
// Of all together; nothing if there are none.
std::optional<ProcessUsage> read_sum(const std::vector<int>& pids);

}  // namespace videocall::loadtest
