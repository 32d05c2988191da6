// SPDX-License-Identifier: MIT
// videocallsink: joins a meeting and publishes. See
// docs/elements/videocallsink.md.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_VIDEOCALL_SINK (gst_videocall_sink_get_type())
G_DECLARE_FINAL_TYPE(GstVideocallSink, gst_videocall_sink, GST, VIDEOCALL_SINK,
                     GstBin)

GST_ELEMENT_REGISTER_DECLARE(videocallsink)

G_END_DECLS
