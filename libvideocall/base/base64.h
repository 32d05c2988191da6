// SPDX-License-Identifier: MIT
// Base64 (RFC 4648).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "libvideocall/base/export.h"

namespace videocall {

// Section 4, with padding.
VIDEOCALL_API std::string base64(std::span<const uint8_t> bytes);
// Section 5, for URLs and cookies, without padding.
VIDEOCALL_API std::string base64url(std::span<const uint8_t> bytes);

}  // namespace videocall
