// SPDX-License-Identifier: MIT
// Tells systemd how the service is (sd_notify(3)); nothing without systemd.
#pragma once

#include <string_view>

namespace videocall::server {

// |state| is lines such as "READY=1\nSTATUS=…".
void notify_service_manager(std::string_view state);

}  // namespace videocall::server
