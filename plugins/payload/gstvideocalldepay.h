// SPDX-License-Identifier: MIT
// videocalldepay: packets of one remote session in, a pad per track out. See
// docs/elements/videocalldepay.md.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_VIDEOCALL_DEPAY (gst_videocall_depay_get_type())
G_DECLARE_FINAL_TYPE(GstVideocallDepay, gst_videocall_depay, GST,
                     VIDEOCALL_DEPAY, GstElement)

GST_ELEMENT_REGISTER_DECLARE(videocalldepay)

G_END_DECLS
