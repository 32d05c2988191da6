// SPDX-License-Identifier: MIT
// The main thread's loop: HTTP, signals, the pipeline's bus.
#pragma once

#include <functional>

namespace videocall::server {

// Runs |call| on the main thread soon. Any thread. What was handed over before
// the loop ended is run by drain_main_loop().
void run_on_main(std::function<void()> call);

// Runs what waits, without waiting for more. Main thread.
void drain_main_loop();

}  // namespace videocall::server
