// SPDX-License-Identifier: MIT
// The packet of a buffer, and who is to get it. A buffer of caps
// application/x-videocall-packet holds exactly one packet; the meta refers to
// the same bytes in parsed form, so that no element parses twice.
#pragma once

#include <gst/gst.h>

#include "libvideocall/cluster/subject.h"
#include "libvideocall/wire/delivery.h"

#define GST_VIDEOCALL_PACKET_CAPS \
  "application/x-videocall-packet, version=(int)1"

struct GstVideocallPacketMeta {
  GstMeta meta;
  videocall::PacketRef packet;
  // Where it came from: the session of a listener source; endpoint 0 if none.
  videocall::SessionHandle session;
  // Who gets it; set by videocallrouter, empty before.
  videocall::RecipientsPtr recipients;
  // The NATS subject that it came on (natssrc), or that it is to go to beside
  // its recipients (videocallrouter); empty: none.
  videocall::SubjectPtr subject;
};

GType gst_videocall_packet_meta_api_get_type();
const GstMetaInfo* gst_videocall_packet_meta_get_info();

// A buffer around |packet|'s bytes, nothing copied, with the meta.
// DELTA_UNIT and DISCONT are set from the media header where there is one.
GstBuffer* gst_videocall_packet_buffer_new(videocall::PacketRef packet);

// The meta of |buffer|, nullptr if it has none.
GstVideocallPacketMeta* gst_videocall_buffer_get_packet_meta(GstBuffer* buffer);

// The packet of |buffer|: its meta's, or parsed from a copy of its bytes
// (a buffer read from a file, say). Empty reference if the bytes are no packet.
videocall::PacketRef gst_videocall_buffer_get_packet(GstBuffer* buffer);
