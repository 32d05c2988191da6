// SPDX-License-Identifier: MIT
#pragma once

#include <gst/gst.h>

#define GST_TYPE_WEBTRANSPORT_SRC (gst_webtransport_src_get_type())
G_DECLARE_FINAL_TYPE(GstWebTransportSrc, gst_webtransport_src, GST,
                     WEBTRANSPORT_SRC, GstElement)
GST_ELEMENT_REGISTER_DECLARE(webtransportsrc)
