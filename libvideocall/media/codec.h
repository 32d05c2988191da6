// SPDX-License-Identifier: MIT
// The codecs of the wire contract.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"
#include "libvideocall/media/video_frame.h"

namespace videocall {

enum class Codec { vp8, vp9, av1, h264, opus };

// The codec that a WebCodecs codec string names, such as "avc1.42E01F" or
// "opus"; nothing if it is none of the contract's.
VIDEOCALL_API std::optional<Codec> codec_from_string(std::string_view codec);

// Reads one video stream's frames in order and remembers the parameter sets
// that later key frames need.
class VIDEOCALL_API VideoParser {
 public:
  // Nothing for Codec::opus.
  static std::unique_ptr<VideoParser> create(Codec codec);

  virtual ~VideoParser() = default;
  // Fails with Errc::protocol on what is no frame of this codec; the next
  // frame may be read all the same.
  virtual Result<VideoFrameInfo> parse(Bytes frame) = 0;
};

}  // namespace videocall
