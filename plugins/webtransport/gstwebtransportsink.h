// SPDX-License-Identifier: MIT
#pragma once

#include <gst/gst.h>

#define GST_TYPE_WEBTRANSPORT_SINK (gst_webtransport_sink_get_type())
G_DECLARE_FINAL_TYPE(GstWebTransportSink, gst_webtransport_sink, GST,
                     WEBTRANSPORT_SINK, GstElement)
GST_ELEMENT_REGISTER_DECLARE(webtransportsink)
