// SPDX-License-Identifier: MIT
// What the sinks of all transports do: packets to the sessions of an endpoint.
// A transport derives from it and says how its endpoints are opened.
#pragma once

#include <gst/gst.h>

#include "plugins/transport/transportsettings.h"

struct GstTransportSinkPrivate;

struct GstTransportSink {
  GstElement parent;
  GstTransportSinkPrivate* priv;
};

struct GstTransportSinkClass {
  GstElementClass parent_class;
  // Both set in class_init. Source and sink of one transport have the same
  // kind; endpoints are shared by kind and name.
  const char* kind;
  videocall::Result<std::shared_ptr<videocall::quic::Endpoint>> (*open)(
      videocall::quic::EndpointConfig config);
};

GType gst_transport_sink_get_type();
#define GST_TYPE_TRANSPORT_SINK (gst_transport_sink_get_type())
#define GST_TRANSPORT_SINK(object)                               \
  (G_TYPE_CHECK_INSTANCE_CAST((object), GST_TYPE_TRANSPORT_SINK, \
                              GstTransportSink))
#define GST_TRANSPORT_SINK_GET_CLASS(object)                    \
  (G_TYPE_INSTANCE_GET_CLASS((object), GST_TYPE_TRANSPORT_SINK, \
                             GstTransportSinkClass))

// First in the class_init of a transport: GObject does not inherit what reads
// and writes properties.
void gst_transport_sink_class_prepare(GstTransportSinkClass* klass);
