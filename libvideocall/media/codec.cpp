// SPDX-License-Identifier: MIT
#include "libvideocall/media/codec.h"

#include "libvideocall/media/av1.h"
#include "libvideocall/media/h264.h"
#include "libvideocall/media/vp8.h"
#include "libvideocall/media/vp9.h"

namespace videocall {
namespace {

class Vp8Parser final : public VideoParser {
 public:
  Result<VideoFrameInfo> parse(Bytes frame) override {
    return parse_vp8(frame);
  }
};

class Vp9Parser final : public VideoParser {
 public:
  Result<VideoFrameInfo> parse(Bytes frame) override {
    return parse_vp9(frame);
  }
};

}  // namespace

std::optional<Codec> codec_from_string(std::string_view codec) {
  if (codec == "vp8") return Codec::vp8;
  if (codec.starts_with("vp09.")) return Codec::vp9;
  if (codec.starts_with("av01.")) return Codec::av1;
  if (codec.starts_with("avc1.") || codec.starts_with("avc3."))
    return Codec::h264;
  if (codec == "opus") return Codec::opus;
  return std::nullopt;
}

std::unique_ptr<VideoParser> VideoParser::create(Codec codec) {
  switch (codec) {
    case Codec::vp8:
      return std::make_unique<Vp8Parser>();
    case Codec::vp9:
      return std::make_unique<Vp9Parser>();
    case Codec::av1:
      return std::make_unique<Av1Parser>();
    case Codec::h264:
      return std::make_unique<H264Parser>();
    case Codec::opus:
      break;
  }
  return nullptr;
}

}  // namespace videocall
