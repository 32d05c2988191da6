// SPDX-License-Identifier: MIT
// videocallpay: encoded frames in, packets out. See
// docs/elements/videocallpay.md.
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_TYPE_VIDEOCALL_PAY (gst_videocall_pay_get_type())
G_DECLARE_FINAL_TYPE(GstVideocallPay, gst_videocall_pay, GST, VIDEOCALL_PAY,
                     GstElement)

GST_ELEMENT_REGISTER_DECLARE(videocallpay)

G_END_DECLS
