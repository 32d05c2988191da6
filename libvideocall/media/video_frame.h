// SPDX-License-Identifier: MIT
// What a codec's own headers say of one encoded video frame.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libvideocall/wire/packet.h"

namespace videocall {

struct VideoFrameInfo {
  bool keyframe = false;
  uint8_t temporal_id = 0;  // where the bitstream itself says it
  // On key frames only: size in pixels and WebCodecs codec string.
  uint32_t width = 0;
  uint32_t height = 0;
  std::string codec;
  // Parameter sets that the contract wants in front of this frame and that
  // the encoder left out; |insert_at| bytes into the frame. Usually empty.
  std::vector<uint8_t> insert;
  size_t insert_at = 0;
};

}  // namespace videocall
