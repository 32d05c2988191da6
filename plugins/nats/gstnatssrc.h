// SPDX-License-Identifier: MIT
#pragma once

#include <gst/gst.h>

#define GST_TYPE_NATS_SRC (gst_nats_src_get_type())
G_DECLARE_FINAL_TYPE(GstNatsSrc, gst_nats_src, GST, NATS_SRC, GstElement)
GST_ELEMENT_REGISTER_DECLARE(natssrc)
