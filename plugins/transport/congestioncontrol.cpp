// SPDX-License-Identifier: MIT
#include "plugins/transport/congestioncontrol.h"

#include <gst/gst.h>

using videocall::quic::CongestionControl;

GType gst_videocall_congestion_control_get_type() {
  static const GType type = [] {
    static const GEnumValue values[] = {
        {static_cast<gint>(CongestionControl::cubic),
         "CUBIC: takes every loss for congestion", "cubic"},
        {static_cast<gint>(CongestionControl::bbr),
         "BBR: measures bandwidth and round trip, stands losses", "bbr"},
        {0, nullptr, nullptr},
    };
    const GType made =
        g_enum_register_static("GstVideocallCongestionControl", values);
    gst_type_mark_as_plugin_api(made, static_cast<GstPluginAPIFlags>(0));
    return made;
  }();
  return type;
}

namespace videocall::transport {

GParamSpec* congestion_control_spec() {
  return g_param_spec_enum(
      "congestion-control", "Congestion control",
      "What decides how fast QUIC sends",
      gst_videocall_congestion_control_get_type(),
      static_cast<gint>(quic::kDefaultCongestionControl),
      static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                               GST_PARAM_MUTABLE_READY));
}

quic::CongestionControl get_congestion_control(const GValue* value) {
  return static_cast<quic::CongestionControl>(g_value_get_enum(value));
}

void set_congestion_control(GValue* value, quic::CongestionControl control) {
  g_value_set_enum(value, static_cast<gint>(control));
}

}  // namespace videocall::transport
