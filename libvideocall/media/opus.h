// SPDX-License-Identifier: MIT
// Opus packet (RFC 6716, section 3).
#pragma once

#include <cstdint>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/wire/packet.h"

namespace videocall {

inline constexpr uint32_t kOpusFrameUs = 20'000;  // what the contract allows

// How long |packet| plays. Fails with Errc::protocol on what is no Opus
// packet.
VIDEOCALL_API Result<uint32_t> opus_duration_us(Bytes packet);

}  // namespace videocall
