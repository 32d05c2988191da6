// SPDX-License-Identifier: MIT
// One monotonic clock for the whole library. Nothing below the endpoint reads
// it: time is handed in, so a test can hand in any time it likes.
#pragma once

#include <chrono>

namespace videocall {

using Clock = std::chrono::steady_clock;  // nanoseconds
using Duration = std::chrono::nanoseconds;
using Time = std::chrono::time_point<Clock, Duration>;

using namespace std::chrono_literals;

}  // namespace videocall
