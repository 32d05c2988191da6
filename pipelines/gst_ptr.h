// SPDX-License-Identifier: MIT
// Owning pointers for what GStreamer counts or frees.
#pragma once

#include <gst/gst.h>

#include <memory>

namespace videocall::pipelines {

struct ObjectUnref {
  void operator()(void* object) const { gst_object_unref(object); }
};
struct CapsUnref {
  void operator()(GstCaps* caps) const { gst_caps_unref(caps); }
};
struct ErrorFree {
  void operator()(GError* error) const { g_error_free(error); }
};
struct MessageUnref {
  void operator()(GstMessage* message) const { gst_message_unref(message); }
};
struct GFree {
  void operator()(void* memory) const { g_free(memory); }
};

using ElementPtr = std::unique_ptr<GstElement, ObjectUnref>;
using PadPtr = std::unique_ptr<GstPad, ObjectUnref>;
using BusPtr = std::unique_ptr<GstBus, ObjectUnref>;
using ObjectPtr = std::unique_ptr<GstObject, ObjectUnref>;
using CapsPtr = std::unique_ptr<GstCaps, CapsUnref>;
using ErrorPtr = std::unique_ptr<GError, ErrorFree>;
using MessagePtr = std::unique_ptr<GstMessage, MessageUnref>;
using CharPtr = std::unique_ptr<char, GFree>;

}  // namespace videocall::pipelines
