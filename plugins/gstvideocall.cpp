// SPDX-License-Identifier: MIT
// The module: registers every element, nothing else.
#include <gst/gst.h>

static gboolean plugin_init(GstPlugin* plugin) {
  gboolean any = FALSE;
  (void)plugin;
  // any |= GST_ELEMENT_REGISTER(name, plugin); one line per element.
  return any || TRUE;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, videocall,
                  "Video conferencing: packets, WebTransport, rooms",
                  plugin_init, VIDEOCALL_VERSION, "MIT/X11", PACKAGE,
                  "https://github.com/videocall/videocall")
