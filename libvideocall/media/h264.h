// SPDX-License-Identifier: MIT
// H.264 access units in Annex B byte stream format (ITU-T H.264, 7.3 and
// Annex B).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libvideocall/media/codec.h"

namespace videocall {

// What a sequence parameter set says.
struct H264Sequence {
  uint32_t id = 0;
  uint32_t width = 0;  // cropped
  uint32_t height = 0;
  std::string codec;  // avc1.PPCCLL
};

// Reads a sequence parameter set, from its NAL unit header on.
VIDEOCALL_API Result<H264Sequence> parse_h264_sequence(Bytes nal_unit);

// Wants SPS and PPS before every IDR picture, and adds the last ones where
// the encoder left them out.
class H264Parser final : public VideoParser {
 public:
  Result<VideoFrameInfo> parse(Bytes access_unit) override;

 private:
  struct Unit;  // what one access unit holds

  Result<void> read_nal(Bytes nal_unit, Unit& unit);
  void add_missing(const Unit& unit, VideoFrameInfo& info) const;

  // By id, without start code. The ids bound their number: 32 and 256.
  std::map<uint32_t, std::vector<uint8_t>> sps_;
  std::map<uint32_t, std::vector<uint8_t>> pps_;
  H264Sequence sequence_;
};

}  // namespace videocall
