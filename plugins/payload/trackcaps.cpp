// SPDX-License-Identifier: MIT
#include "plugins/payload/trackcaps.h"

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

}  // namespace

CapsPtr track_caps(std::string_view codec, guint width, guint height) {
  const auto known = codec_from_string(codec);
  if (!known) return nullptr;
  CapsPtr caps(codec_caps(*known));
  if (caps && *known != Codec::opus && width > 0 && height > 0 &&
      width <= G_MAXINT && height <= G_MAXINT)
    gst_caps_set_simple(caps.get(), "width", G_TYPE_INT, gint(width), "height",
                        G_TYPE_INT, gint(height), nullptr);
  return caps;
}

}  // namespace videocall::gst
