// SPDX-License-Identifier: MIT
// VP9 uncompressed header (VP9 bitstream specification, section 6.2).
#pragma once

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/media/video_frame.h"

namespace videocall {

// Reads the first frame of |frame|, which may be a superframe (Annex B there):
// its hidden frames travel with it. Fails with Errc::protocol on what is no
// VP9 frame.
VIDEOCALL_API Result<VideoFrameInfo> parse_vp9(Bytes frame);

}  // namespace videocall
