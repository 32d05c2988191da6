// SPDX-License-Identifier: MIT
// What the sources of all transports do: one shard of an endpoint, in its
// streaming thread, its packets and sessions downstream. A transport derives
// from it and says how its endpoints are opened.
#pragma once

#include <gst/gst.h>

#include <memory>

#include "plugins/transport/transportsettings.h"

struct GstTransportSrcPrivate;

struct GstTransportSrc {
  GstElement parent;
  GstPad* pad;  // borrowed
  GstTransportSrcPrivate* priv;
};

struct GstTransportSrcClass {
  GstElementClass parent_class;
  // All set in class_init; the first two as in GstTransportSinkClass.
  const char* kind;
  videocall::Result<std::shared_ptr<videocall::quic::Endpoint>> (*open)(
      videocall::quic::EndpointConfig config);
  std::unique_ptr<videocall::transport::SrcSettings> (*make_settings)();
};

GType gst_transport_src_get_type();
#define GST_TYPE_TRANSPORT_SRC (gst_transport_src_get_type())
#define GST_TRANSPORT_SRC(object)                               \
  (G_TYPE_CHECK_INSTANCE_CAST((object), GST_TYPE_TRANSPORT_SRC, \
                              GstTransportSrc))
#define GST_TRANSPORT_SRC_GET_CLASS(object)                    \
  (G_TYPE_INSTANCE_GET_CLASS((object), GST_TYPE_TRANSPORT_SRC, \
                             GstTransportSrcClass))

// nullptr before READY.
std::shared_ptr<videocall::quic::Endpoint> gst_transport_src_get_endpoint(
    GstTransportSrc* self);

// First in the class_init of a transport: GObject does not inherit what reads
// and writes properties.
void gst_transport_src_class_prepare(GstTransportSrcClass* klass);
