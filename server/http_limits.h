// SPDX-License-Identifier: MIT
// The bounds of HTTP; those of everything else are in
// libvideocall/wire/limits.h.
#pragma once

#include <chrono>
#include <cstddef>

namespace videocall::limits {

using namespace std::chrono_literals;

inline constexpr size_t kMaxHttpBodyBytes = 16 * 1024;
inline constexpr size_t kMaxHttpConnections = 1'000;  // the key's default
inline constexpr size_t kMaxAdminConnections = 64;
inline constexpr auto kHttpRequestTimeout = 30s;  // until it is here whole
inline constexpr auto kHttpAnswerTimeout = 60s;   // until it was taken

}  // namespace videocall::limits
