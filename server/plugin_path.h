// SPDX-License-Identifier: MIT
// Where GStreamer finds videocall's plugins.
#pragma once

namespace videocall::server {

// Adds the folder of the plugins to GST_PLUGIN_PATH: beside the executable in
// a build tree (../plugins), else where they were installed. Before gst_init().
void add_plugin_path();

}  // namespace videocall::server
