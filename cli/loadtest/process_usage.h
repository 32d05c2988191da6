// SPDX-License-Identifier: MIT
// CPU and memory of a process, as the operating system counts them.
#pragma once

#include <optional>

namespace videocall::loadtest {

struct ProcessUsage {
  double cpu_seconds = 0;  // user and system, of all threads, since its start
  double resident_kb = 0;
};

// Nothing if there is no such process (any more).
std::optional<ProcessUsage> read_usage(int pid);

}  // namespace videocall::loadtest
