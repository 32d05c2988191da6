// SPDX-License-Identifier: MIT
/**
 * SECTION:element-websocketsrc
 * @title: websocketsrc
 * @see_also: websocketsink
 *
 * Packets of WebSocket sessions. In mode=listener an HTTP server of the same
 * process hands over the requests that ask for a WebSocket, by the action
 * signal "upgrade". In mode=caller it is the client of one server. See
 * docs/elements/websocketsrc.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 websocketsrc mode=caller
 * uri=ws://localhost:8080/meet/tea?token=TOKEN ! fakesink
 * ]|
 */
#include "plugins/websocket/gstwebsocketsrc.h"

#include <libsoup/soup.h>

#include "plugins/transport/transportoutput.h"
#include "plugins/websocket/gstwebsocketendpoint.h"

namespace {

struct GstWebSocketSrc {
  GstTransportSrc parent;
};
struct GstWebSocketSrcClass {
  GstTransportSrcClass parent_class;
};

// In the server's request handler, on its thread. False: nobody serves it now,
// and the message was left alone.
gboolean upgrade(GstTransportSrc* self, GObject* message,
                 const gchar* remote_address) {
  auto listener = std::dynamic_pointer_cast<videocall::websocket::Listener>(
      gst_transport_src_get_endpoint(self));
  if (!listener || !SOUP_IS_SERVER_MESSAGE(message)) return FALSE;
  listener->take_upgrade(
      SOUP_SERVER_MESSAGE(message), remote_address ? remote_address : "",
      [self](const videocall::quic::SessionRequest& request) {
        videocall::transport::emit_session_request(GST_ELEMENT_CAST(self), 0,
                                                   request);
      });
  return TRUE;
}

}  // namespace

G_DEFINE_TYPE(GstWebSocketSrc, gst_websocket_src, GST_TYPE_TRANSPORT_SRC)
GST_ELEMENT_REGISTER_DEFINE(websocketsrc, "websocketsrc", GST_RANK_NONE,
                            gst_websocket_src_get_type())

static void gst_websocket_src_class_init(GstWebSocketSrcClass* klass) {
  auto* src_class = &klass->parent_class;
  gst_transport_src_class_prepare(src_class);
  src_class->kind = videocall::websocket::kKind;
  src_class->open = videocall::websocket::open_endpoint;
  src_class->make_settings =
      []() -> std::unique_ptr<videocall::transport::SrcSettings> {
    return std::make_unique<videocall::transport::SrcSettings>();
  };
  auto* object_class = G_OBJECT_CLASS(klass);
  videocall::transport::install_common_properties(
      object_class, videocall::websocket::kUriHelp);
  videocall::transport::install_session_limits(object_class);
  g_signal_new_class_handler(
      "upgrade", G_TYPE_FROM_CLASS(klass),
      static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(upgrade), nullptr, nullptr, nullptr, G_TYPE_BOOLEAN, 2,
      G_TYPE_OBJECT, G_TYPE_STRING);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "WebSocket source", "Source/Network",
      "Packets of the WebSocket sessions of a server, or of a client's one "
      "session",
      "The videocall authors");
}

static void gst_websocket_src_init(GstWebSocketSrc*) {}
