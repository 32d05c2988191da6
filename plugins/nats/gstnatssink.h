// SPDX-License-Identifier: MIT
#pragma once

#include <gst/gst.h>

#define GST_TYPE_NATS_SINK (gst_nats_sink_get_type())
G_DECLARE_FINAL_TYPE(GstNatsSink, gst_nats_sink, GST, NATS_SINK, GstElement)
GST_ELEMENT_REGISTER_DECLARE(natssink)
