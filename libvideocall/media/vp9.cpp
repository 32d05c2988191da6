// SPDX-License-Identifier: MIT
#include "libvideocall/media/vp9.h"

#include <cstdio>

#include "libvideocall/media/bit_reader.h"

namespace videocall {
namespace {

constexpr uint32_t kFrameMarker = 2;
constexpr uint32_t kSyncCode = 0x498342;
constexpr uint32_t kColorSpaceRgb = 7;

Error refused(const char* why) {
  return {Errc::protocol, why};
}

// Annex A: the smallest level whose largest luma picture holds the size. The
// frame rate is not known here; decoders take the string as a hint.
unsigned level_of(uint64_t pixels) {
  static constexpr struct {
    uint64_t pixels;
    unsigned level;
  } kLevels[] = {{36'864, 10},    {73'728, 11},    {122'880, 20},
                 {245'760, 21},   {552'960, 30},   {983'040, 31},
                 {2'228'224, 40}, {8'912'896, 50}, {35'651'584, 60}};
  for (const auto& entry : kLevels) {
    if (pixels <= entry.pixels) return entry.level;
  }
  return 62;
}

}  // namespace

Result<VideoFrameInfo> parse_vp9(Bytes frame) {
  BitReader reader(frame);
  if (reader.bits(2) != kFrameMarker) return refused("no VP9 frame");
  const uint32_t low = reader.bits(1);
  const uint32_t profile = reader.bits(1) << 1 | low;
  if (profile == 3 && reader.flag()) return refused("VP9 profile above 3");
  VideoFrameInfo info;
  if (reader.flag()) return info;  // show_existing_frame
  info.keyframe = !reader.flag();
  reader.skip(2);  // show_frame, error_resilient_mode
  if (reader.failed()) return refused("VP9 frame too short");
  if (!info.keyframe) return info;

  if (reader.bits(24) != kSyncCode)
    return refused("VP9 key frame without its sync code");
  unsigned depth = 8;
  if (profile >= 2) depth = reader.flag() ? 12 : 10;
  if (reader.bits(3) != kColorSpaceRgb) {
    reader.skip(profile % 2 == 1 ? 4 : 1);  // range, subsampling, reserved
  } else if (profile % 2 == 1) {
    reader.skip(1);
  }
  info.width = reader.bits(16) + 1;
  info.height = reader.bits(16) + 1;
  if (reader.failed()) return refused("VP9 key frame too short");
  char codec[32];
  std::snprintf(codec, sizeof codec, "vp09.%02u.%02u.%02u", profile,
                level_of(uint64_t{info.width} * info.height), depth);
  info.codec = codec;
  return info;
}

}  // namespace videocall
