// SPDX-License-Identifier: MIT
// videocallclockoverlay: draws a frame counter and a clock that programs can
// read. See docs/elements/videocallclockoverlay.md.
#pragma once

#include <gst/video/gstvideofilter.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

#define GST_TYPE_VIDEOCALL_CLOCK_OVERLAY \
  (gst_videocall_clock_overlay_get_type())
G_DECLARE_FINAL_TYPE(GstVideocallClockOverlay, gst_videocall_clock_overlay, GST,
                     VIDEOCALL_CLOCK_OVERLAY, GstVideoFilter)

GST_ELEMENT_REGISTER_DECLARE(videocallclockoverlay)

G_END_DECLS
