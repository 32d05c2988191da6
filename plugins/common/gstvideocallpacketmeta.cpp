// SPDX-License-Identifier: MIT
#include "plugins/common/gstvideocallpacketmeta.h"

#include <new>

using videocall::Packet;
using videocall::PacketRef;

static gboolean packet_meta_init(GstMeta* meta, gpointer, GstBuffer*) {
  auto* self = reinterpret_cast<GstVideocallPacketMeta*>(meta);
  new (&self->packet) PacketRef();
  new (&self->session) videocall::SessionHandle();
  new (&self->recipients) videocall::RecipientsPtr();
  new (&self->subject) videocall::SubjectPtr();
  return TRUE;
}

static void packet_meta_free(GstMeta* meta, GstBuffer*) {
  auto* self = reinterpret_cast<GstVideocallPacketMeta*>(meta);
  self->subject.~shared_ptr();
  self->recipients.~shared_ptr();
  self->packet.~PacketRef();
}

static gboolean packet_meta_transform(GstBuffer* dest, GstMeta* meta,
                                      GstBuffer*, GQuark type, gpointer) {
  // Only a copy keeps the bytes that the packet describes.
  if (!GST_META_TRANSFORM_IS_COPY(type)) return FALSE;
  auto* self = reinterpret_cast<GstVideocallPacketMeta*>(meta);
  auto* copy = reinterpret_cast<GstVideocallPacketMeta*>(
      gst_buffer_add_meta(dest, gst_videocall_packet_meta_get_info(), nullptr));
  copy->packet = self->packet;
  copy->session = self->session;
  copy->recipients = self->recipients;
  copy->subject = self->subject;
  return TRUE;
}

GType gst_videocall_packet_meta_api_get_type() {
  static const GType type = [] {
    static const gchar* tags[] = {nullptr};
    return gst_meta_api_type_register("GstVideocallPacketMetaAPI", tags);
  }();
  return type;
}

const GstMetaInfo* gst_videocall_packet_meta_get_info() {
  static const GstMetaInfo* info = gst_meta_register(
      gst_videocall_packet_meta_api_get_type(), "GstVideocallPacketMeta",
      sizeof(GstVideocallPacketMeta), packet_meta_init, packet_meta_free,
      packet_meta_transform);
  return info;
}

static void drop_packet(gpointer packet) {
  PacketRef::adopt(static_cast<Packet*>(packet));
}

GstBuffer* gst_videocall_packet_buffer_new(PacketRef packet) {
  GstBuffer* buffer = gst_buffer_new();
  const auto& fields = packet->fields();
  if (fields.type == videocall::PacketType::media && !fields.header.keyframe &&
      fields.kind != videocall::MediaKind::audio)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  auto* meta = reinterpret_cast<GstVideocallPacketMeta*>(gst_buffer_add_meta(
      buffer, gst_videocall_packet_meta_get_info(), nullptr));
  meta->packet = packet;
  const videocall::Bytes bytes = packet->bytes();
  gst_buffer_append_memory(
      buffer,
      gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY,
                             const_cast<uint8_t*>(bytes.data()), bytes.size(),
                             0, bytes.size(), packet.release(), drop_packet));
  return buffer;
}

GstVideocallPacketMeta* gst_videocall_buffer_get_packet_meta(
    GstBuffer* buffer) {
  return reinterpret_cast<GstVideocallPacketMeta*>(
      gst_buffer_get_meta(buffer, gst_videocall_packet_meta_api_get_type()));
}

PacketRef gst_videocall_buffer_get_packet(GstBuffer* buffer) {
  if (auto* meta = gst_videocall_buffer_get_packet_meta(buffer))
    return meta->packet;
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return {};
  auto packet = Packet::from_bytes({map.data, map.size});
  gst_buffer_unmap(buffer, &map);
  return packet ? std::move(*packet) : PacketRef();
}
