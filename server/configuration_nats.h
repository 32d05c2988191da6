// SPDX-License-Identifier: MIT
// What is said of NATS: whether it can be right, and what to do if not.
#pragma once

#include "libvideocall/base/result.h"
#include "server/configuration.h"

namespace videocall::server {

// nats-url, nats-credentials and nats-ca by themselves. Errors name the key,
// the remedy, and no password.
Result<void> check_nats(const Configuration& configuration);

// Whether the files that they name are there and what they should be: the NATS
// library looks at them only when it connects, and again and again.
Result<void> check_nats_files(const Configuration& configuration);

}  // namespace videocall::server
