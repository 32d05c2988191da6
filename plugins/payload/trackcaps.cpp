// SPDX-License-Identifier: MIT
#include "plugins/payload/trackcaps.h"

#include <gst/pbutils/pbutils.h>

#include <array>
#include <charconv>
#include <string>

#include "libvideocall/media/codec.h"

namespace videocall::gst {
namespace {

GstCaps* codec_caps(Codec codec) {
  switch (codec) {
    case Codec::vp8:
      return gst_caps_new_empty_simple("video/x-vp8");
    case Codec::vp9:
      return gst_caps_new_empty_simple("video/x-vp9");
    case Codec::av1:
      return gst_caps_new_simple("video/x-av1", "stream-format", G_TYPE_STRING,
                                 "obu-stream", "alignment", G_TYPE_STRING, "tu",
                                 nullptr);
    case Codec::h264:
      return gst_caps_new_simple("video/x-h264", "stream-format", G_TYPE_STRING,
                                 "byte-stream", "alignment", G_TYPE_STRING,
                                 "au", nullptr);
    case Codec::opus:
      // Two channels whatever was coded: Opus decodes to as many as one asks.
      return gst_caps_new_simple(
          "audio/x-opus", "rate", G_TYPE_INT, 48'000, "channels", G_TYPE_INT, 2,
          "channel-mapping-family", G_TYPE_INT, 0, "stream-count", G_TYPE_INT,
          1, "coupled-count", G_TYPE_INT, 1, nullptr);
  }
  return nullptr;
}

// avc1.PPCCLL: profile, constraints and level as in the SPS; some decoders
// want to know the profile before they link.
void set_h264_profile(GstCaps* caps, std::string_view codec) {
  constexpr size_t kPrefix = 5;
  std::array<guint8, 3> sps{};
  if (codec.size() != kPrefix + 2 * sps.size()) return;
  for (size_t i = 0; i < sps.size(); ++i) {
    const char* digits = codec.data() + kPrefix + 2 * i;
    if (std::from_chars(digits, digits + 2, sps[i], 16).ptr != digits + 2)
      return;
  }
  gst_codec_utils_h264_caps_set_level_and_profile(caps, sps.data(), sps.size());
}

// vp09.PP....
void set_vp9_profile(GstCaps* caps, std::string_view codec) {
  if (codec.size() < 7 || codec[6] < '0' || codec[6] > '3') return;
  const std::string profile(1, codec[6]);
  gst_caps_set_simple(caps, "profile", G_TYPE_STRING, profile.c_str(), nullptr);
}

}  // namespace

CapsPtr track_caps(std::string_view codec, guint width, guint height) {
  const auto known = codec_from_string(codec);
  if (!known) return nullptr;
  CapsPtr caps(codec_caps(*known));
  if (caps && *known != Codec::opus && width > 0 && height > 0 &&
      width <= G_MAXINT && height <= G_MAXINT)
    gst_caps_set_simple(caps.get(), "width", G_TYPE_INT, gint(width), "height",
                        G_TYPE_INT, gint(height), nullptr);
  if (known == Codec::h264) set_h264_profile(caps.get(), codec);
  if (known == Codec::vp9) set_vp9_profile(caps.get(), codec);
  return caps;
}

}  // namespace videocall::gst
