// SPDX-License-Identifier: MIT
// Unpredictable numbers, from GnuTLS. Thread-safe.
#pragma once

#include <cstdint>
#include <span>

#include "libvideocall/base/export.h"

namespace videocall::auth {

// Fills |out|; the process ends if the system has no randomness to give, since
// nothing could be kept secret then.
VIDEOCALL_API void fill_random(std::span<uint8_t> out);
VIDEOCALL_API uint64_t random_u64();

}  // namespace videocall::auth
