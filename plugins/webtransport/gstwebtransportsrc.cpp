// SPDX-License-Identifier: MIT
/**
 * SECTION:element-webtransportsrc
 * @title: webtransportsrc
 * @see_also: webtransportsink
 *
 * Packets of WebTransport sessions. In mode=listener the element is one shard
 * of a server: it owns its sockets and serves all its sessions in its streaming
 * thread. In mode=caller it is the client of one server. See
 * docs/elements/webtransportsrc.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 webtransportsrc mode=listener address=127.0.0.1:0 ! fakesink
 * ]|
 */
#include "plugins/webtransport/gstwebtransportsrc.h"

#include "plugins/webtransport/gstwebtransportsrcsettings.h"

namespace {

struct GstWebTransportSrc {
  GstTransportSrc parent;
};
struct GstWebTransportSrcClass {
  GstTransportSrcClass parent_class;
};

gboolean reload_certificate(GstTransportSrc* self) {
  auto endpoint = gst_transport_src_get_endpoint(self);
  if (!endpoint) return FALSE;
  auto reloaded = endpoint->reload_certificate();
  if (reloaded) return TRUE;
  GST_ELEMENT_WARNING(self, RESOURCE, READ,
                      ("The certificate was not reloaded, the old one stays "
                       "in use: %s.",
                       reloaded.error().message.c_str()),
                      (nullptr));
  return FALSE;
}

}  // namespace

G_DEFINE_TYPE(GstWebTransportSrc, gst_webtransport_src, GST_TYPE_TRANSPORT_SRC)
GST_ELEMENT_REGISTER_DEFINE(webtransportsrc, "webtransportsrc", GST_RANK_NONE,
                            gst_webtransport_src_get_type())

static void gst_webtransport_src_class_init(GstWebTransportSrcClass* klass) {
  auto* src_class = &klass->parent_class;
  gst_transport_src_class_prepare(src_class);
  src_class->kind = "webtransport";
  src_class->open = videocall::quic::Endpoint::open;
  src_class->make_settings =
      []() -> std::unique_ptr<videocall::transport::SrcSettings> {
    return std::make_unique<videocall::webtransport::SrcSettings>();
  };
  videocall::webtransport::install_src_properties(G_OBJECT_CLASS(klass));
  g_signal_new_class_handler(
      "reload-certificate", G_TYPE_FROM_CLASS(klass),
      static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION),
      G_CALLBACK(reload_certificate), nullptr, nullptr, nullptr, G_TYPE_BOOLEAN,
      0);
  gst_element_class_set_static_metadata(
      GST_ELEMENT_CLASS(klass), "WebTransport source", "Source/Network",
      "Packets of the WebTransport sessions of a server's shard, or of a "
      "client's one session",
      "The videocall authors");
}

static void gst_webtransport_src_init(GstWebTransportSrc*) {}
