// SPDX-License-Identifier: MIT
// What this process takes of the machine. Any thread.
#pragma once

#include "server/metrics_text.h"

namespace videocall::server {

// CPU time since the process began, seconds, user and system.
double process_cpu_seconds();

// How many cores this process may use at most: its affinity, or its group's
// quota if that is less.
double available_cores();

// The metrics that every Prometheus client has: process_….
void add_process_metrics(MetricsText& out);

}  // namespace videocall::server
