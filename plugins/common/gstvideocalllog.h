// SPDX-License-Identifier: MIT
// The library's log lines, shown as GStreamer debug output: folder X of
// libvideocall is the category videocall-X.
#pragma once

#include <gst/gst.h>

// Once, when the plugin is loaded. Replaces any sink that was set before;
// thresholds are those that hold now (GST_DEBUG).
void gst_videocall_log_init();
