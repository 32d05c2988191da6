// SPDX-License-Identifier: MIT
// VP8 frame header (RFC 6386, section 9.1).
#pragma once

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/media/video_frame.h"

namespace videocall {

// Reads the uncompressed chunk at the start of |frame|. Fails with
// Errc::protocol on what is no VP8 frame.
VIDEOCALL_API Result<VideoFrameInfo> parse_vp8(Bytes frame);

}  // namespace videocall
