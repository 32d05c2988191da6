// SPDX-License-Identifier: MIT
#include "libvideocall/media/vp8.h"

namespace videocall {

// RFC 6386, 9.1:  frame tag, 3 bytes: size of first partition (19 bits),
// show_frame, version (3 bits), !key_frame;  on key frames 9d 01 2a, then
// width and height, 14 bits each, with 2 bits of scale above them.
Result<VideoFrameInfo> parse_vp8(Bytes frame) {
  if (frame.size() < 3) return Error{Errc::protocol, "VP8 frame too short"};
  VideoFrameInfo info;
  info.keyframe = (frame[0] & 1) == 0;
  if (!info.keyframe) return info;
  if (frame.size() < 10 || frame[3] != 0x9d || frame[4] != 0x01 ||
      frame[5] != 0x2a)
    return Error{Errc::protocol, "VP8 key frame without its start code"};
  info.width = (uint32_t{frame[7]} << 8 | frame[6]) & 0x3fff;
  info.height = (uint32_t{frame[9]} << 8 | frame[8]) & 0x3fff;
  if (info.width == 0 || info.height == 0)
    return Error{Errc::protocol, "VP8 key frame without a size"};
  info.codec = "vp8";
  return info;
}

}  // namespace videocall
