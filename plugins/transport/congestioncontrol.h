// SPDX-License-Identifier: MIT
// The property congestion-control of all elements that have QUIC below them.
#pragma once

#include <glib-object.h>

#include "libvideocall/quic/congestion_control.h"

// Values are those of quic::CongestionControl.
GType gst_videocall_congestion_control_get_type();

namespace videocall::transport {

// The property, to be installed; it may be set up to READY.
GParamSpec* congestion_control_spec();
quic::CongestionControl get_congestion_control(const GValue* value);
void set_congestion_control(GValue* value, quic::CongestionControl control);

}  // namespace videocall::transport
