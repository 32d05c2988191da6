// SPDX-License-Identifier: MIT
// Owners of GStreamer's reference-counted things. Call release() only into a
// parameter that takes the reference over (transfer full).
#pragma once

#include <gst/gst.h>

#include <memory>

namespace videocall::gst {

struct Unref {
  void operator()(GstBuffer* it) const { gst_buffer_unref(it); }
  void operator()(GstCaps* it) const { gst_caps_unref(it); }
  void operator()(GstEvent* it) const { gst_event_unref(it); }
  void operator()(GstQuery* it) const { gst_query_unref(it); }
  void operator()(GstMessage* it) const { gst_message_unref(it); }
  void operator()(GstSample* it) const { gst_sample_unref(it); }
  void operator()(GstStructure* it) const { gst_structure_free(it); }
  void operator()(gchar* it) const { g_free(it); }
  void operator()(GError* it) const { g_error_free(it); }
};
struct ObjectUnref {
  void operator()(gpointer it) const { gst_object_unref(it); }
};

using BufferPtr = std::unique_ptr<GstBuffer, Unref>;
using CapsPtr = std::unique_ptr<GstCaps, Unref>;
using EventPtr = std::unique_ptr<GstEvent, Unref>;
using QueryPtr = std::unique_ptr<GstQuery, Unref>;
using MessagePtr = std::unique_ptr<GstMessage, Unref>;
using SamplePtr = std::unique_ptr<GstSample, Unref>;
using StructurePtr = std::unique_ptr<GstStructure, Unref>;
using GStrPtr = std::unique_ptr<gchar, Unref>;
using ErrorPtr = std::unique_ptr<GError, Unref>;
template <typename T>
using ObjectPtr = std::unique_ptr<T, ObjectUnref>;

}  // namespace videocall::gst
