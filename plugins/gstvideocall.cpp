// SPDX-License-Identifier: MIT
// The module: registers every element, nothing else.
#include <gst/gst.h>

#include "plugins/common/gstvideocalllog.h"
#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/nats/gstnatssink.h"
#include "plugins/nats/gstnatssrc.h"
#include "plugins/pattern/gstvideocallclockoverlay.h"
#include "plugins/payload/gstvideocalldepay.h"
#include "plugins/payload/gstvideocallpay.h"
#include "plugins/router/gstvideocallrouter.h"
#include "plugins/videocall/gstvideocallsink.h"
#include "plugins/videocall/gstvideocallsrc.h"
#include "plugins/websocket/gstwebsocketsink.h"
#include "plugins/websocket/gstwebsocketsrc.h"
#include "plugins/webtransport/gstwebtransportsink.h"
#include "plugins/webtransport/gstwebtransportsrc.h"

static gboolean plugin_init(GstPlugin* plugin) {
  gst_videocall_log_init();
  gboolean any = FALSE;
  gst_videocall_packet_meta_get_info();  // so that others find it by name
  any |= GST_ELEMENT_REGISTER(natssink, plugin);
  any |= GST_ELEMENT_REGISTER(natssrc, plugin);
  any |= GST_ELEMENT_REGISTER(videocallclockoverlay, plugin);
  any |= GST_ELEMENT_REGISTER(videocalldepay, plugin);
  any |= GST_ELEMENT_REGISTER(videocallpay, plugin);
  any |= GST_ELEMENT_REGISTER(videocallrouter, plugin);
  any |= GST_ELEMENT_REGISTER(videocallsink, plugin);
  any |= GST_ELEMENT_REGISTER(videocallsrc, plugin);
  any |= GST_ELEMENT_REGISTER(websocketsink, plugin);
  any |= GST_ELEMENT_REGISTER(websocketsrc, plugin);
  any |= GST_ELEMENT_REGISTER(webtransportsink, plugin);
  any |= GST_ELEMENT_REGISTER(webtransportsrc, plugin);
  return any;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, videocall,
                  "Video conferencing: packets, WebTransport, rooms",
                  plugin_init, VIDEOCALL_VERSION, "MIT/X11", PACKAGE,
                  "https://github.com/videocall/videocall")
