// SPDX-License-Identifier: MIT
// AV1 temporal units in the low-overhead format (AV1 specification, sections
// 5.3 to 5.9).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libvideocall/media/codec.h"

namespace videocall {

// What a sequence header says.
struct Av1Sequence {
  uint32_t width = 0;
  uint32_t height = 0;
  bool reduced_still_picture = false;
  std::string codec;  // av01.P.LLT.DD
};

// Reads the payload of a sequence header OBU.
VIDEOCALL_API Result<Av1Sequence> parse_av1_sequence(Bytes payload);

// Wants the sequence header on every key frame, and adds the last one where
// the encoder left it out.
class Av1Parser final : public VideoParser {
 public:
  Result<VideoFrameInfo> parse(Bytes temporal_unit) override;

 private:
  std::vector<uint8_t> header_obu_;  // the last sequence header, whole OBU
  Av1Sequence sequence_;
};

}  // namespace videocall
