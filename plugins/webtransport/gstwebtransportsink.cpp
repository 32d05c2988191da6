// SPDX-License-Identifier: MIT
/**
 * SECTION:element-webtransportsink
 * @title: webtransportsink
 * @see_also: webtransportsrc
 *
 * Packets to WebTransport sessions. In mode=listener each packet goes to those
 * of its recipients (stamped by videocallrouter) that are sessions of the
 * endpoint; in mode=caller everything goes to the one server. It never blocks
 * and always answers OK. See docs/elements/webtransportsink.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 fakesrc num-buffers=1 ! webtransportsink mode=listener
 * ]|
 */
#include "plugins/webtransport/gstwebtransportsink.h"

#include "plugins/webtransport/gstwebtransportsrcsettings.h"

namespace {

struct GstWebTransportSink {
  GstTransportSink parent;
};
struct GstWebTransportSinkClass {
  GstTransportSinkClass parent_class;
};

}  // namespace

G_DEFINE_TYPE(GstWebTransportSink, gst_webtransport_sink,
              GST_TYPE_TRANSPORT_SINK)
GST_ELEMENT_REGISTER_DEFINE(webtransportsink, "webtransportsink", GST_RANK_NONE,
                            gst_webtransport_sink_get_type())

static void gst_webtransport_sink_class_init(GstWebTransportSinkClass* klass) {
  auto* sink_class = &klass->parent_class;
  gst_transport_sink_class_prepare(sink_class);
  sink_class->kind = "webtransport";
  sink_class->open = videocall::quic::Endpoint::open;
  videocall::webtransport::install_shared_properties(G_OBJECT_CLASS(klass));
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "WebTransport sink", "Sink/Network",
      "Packets to the WebTransport sessions that they are for, or to a "
      "client's one server",
      "The videocall authors");
}

static void gst_webtransport_sink_init(GstWebTransportSink*) {}
