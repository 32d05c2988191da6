// SPDX-License-Identifier: MIT
// The encoded frames of a file, ready to be sent over and over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"

namespace videocall::loadtest {

struct MediaFrame {
  std::vector<uint8_t> data;  // a MediaPacket that ends with room for a stamp
  bool keyframe = false;
  // On key frames.
  std::string codec;
  uint32_t width = 0;
  uint32_t height = 0;
};

struct MediaFile {
  std::vector<MediaFrame> video;  // begins with a key frame
  std::vector<MediaFrame> audio;  // 20 ms each
  double fps = 30;

  // Reads the first minute of |path|: video as VP8, VP9, AV1 or H.264, audio
  // as Opus, in a container that GStreamer knows; it must be initialized.
  // Errors name the file and what is wrong with it.
  static Result<MediaFile> load(const std::string& path);
};

}  // namespace videocall::loadtest
