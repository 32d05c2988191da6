// SPDX-License-Identifier: MIT
/**
 * SECTION:element-websocketsink
 * @title: websocketsink
 * @see_also: websocketsrc
 *
 * Packets to WebSocket sessions, one message each. In mode=listener each packet
 * goes to those of its recipients (stamped by videocallrouter) that are
 * sessions of the endpoint; in mode=caller everything goes to the one server.
 * It never blocks and always answers OK. See docs/elements/websocketsink.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 fakesrc num-buffers=1 ! websocketsink mode=listener
 * ]|
 */
#include "plugins/websocket/gstwebsocketsink.h"

#include "plugins/websocket/gstwebsocketendpoint.h"

namespace {

struct GstWebSocketSink {
  GstTransportSink parent;
};
struct GstWebSocketSinkClass {
  GstTransportSinkClass parent_class;
};

}  // namespace

G_DEFINE_TYPE(GstWebSocketSink, gst_websocket_sink, GST_TYPE_TRANSPORT_SINK)
GST_ELEMENT_REGISTER_DEFINE(websocketsink, "websocketsink", GST_RANK_NONE,
                            gst_websocket_sink_get_type())

static void gst_websocket_sink_class_init(GstWebSocketSinkClass* klass) {
  auto* sink_class = &klass->parent_class;
  gst_transport_sink_class_prepare(sink_class);
  sink_class->kind = videocall::websocket::kKind;
  sink_class->open = videocall::websocket::open_endpoint;
  videocall::transport::install_common_properties(
      G_OBJECT_CLASS(klass), videocall::websocket::kUriHelp);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "WebSocket sink", "Sink/Network",
      "Packets to the WebSocket sessions that they are for, or to a client's "
      "one server",
      "The videocall authors");
}

static void gst_websocket_sink_init(GstWebSocketSink*) {}
