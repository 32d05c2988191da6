// SPDX-License-Identifier: MIT
// videocallsrc: joins a meeting and receives. See
// docs/elements/videocallsrc.md.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_VIDEOCALL_SRC (gst_videocall_src_get_type())
G_DECLARE_FINAL_TYPE(GstVideocallSrc, gst_videocall_src, GST, VIDEOCALL_SRC,
                     GstBin)

GST_ELEMENT_REGISTER_DECLARE(videocallsrc)

G_END_DECLS
