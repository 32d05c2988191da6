// SPDX-License-Identifier: MIT
// videocallrouter: the rooms of a node, and who gets what. Documented in
// docs/elements/videocallrouter.md.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_VIDEOCALL_ROUTER (gst_videocall_router_get_type())
G_DECLARE_FINAL_TYPE(GstVideocallRouter, gst_videocall_router, GST,
                     VIDEOCALL_ROUTER, GstElement)

GST_ELEMENT_REGISTER_DECLARE(videocallrouter);

G_END_DECLS
