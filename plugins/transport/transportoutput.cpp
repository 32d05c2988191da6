// SPDX-License-Identifier: MIT
#include "plugins/transport/transportoutput.h"

#include "plugins/common/gstptr.h"
#include "plugins/common/gstvideocallpacketmeta.h"

GST_DEBUG_CATEGORY_STATIC(transport_output_debug);
#define GST_CAT_DEFAULT output_category()

namespace videocall::transport {
namespace {

GstDebugCategory* output_category() {
  static GstDebugCategory* const category = [] {
    GST_DEBUG_CATEGORY_INIT(transport_output_debug, "videocalltransportoutput",
                            0, "what a transport source pushes");
    return transport_output_debug;
  }();
  return category;
}

}  // namespace

Output::~Output() {
  reset();
}

void Output::reset() {
  close_list();
  for (GstMiniObject* item : items_) gst_mini_object_unref(item);
  items_.clear();
  ended_ = false;
  last_flow_ = GST_FLOW_OK;
}

void Output::close_list() {
  if (list_) items_.push_back(GST_MINI_OBJECT_CAST(list_));
  list_ = nullptr;
}

void Output::add_event(GstStructure* structure) {
  close_list();
  items_.push_back(GST_MINI_OBJECT_CAST(
      gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, structure)));
}

void emit_session_request(GstElement* source, guint shard,
                          const quic::SessionRequest& request) {
  const gst::StructurePtr structure(gst_structure_new(
      "videocall-session-request", "request-id", G_TYPE_UINT64,
      guint64{request.id}, "meeting", G_TYPE_STRING, request.meeting_id.c_str(),
      "token", G_TYPE_STRING, request.token.c_str(), "resume", G_TYPE_STRING,
      request.resume.c_str(), "origin", G_TYPE_STRING, request.origin.c_str(),
      "authority", G_TYPE_STRING, request.authority.c_str(), "remote-address",
      G_TYPE_STRING, request.remote_address.c_str(), "shard", G_TYPE_UINT,
      shard, nullptr));
  g_signal_emit_by_name(source, "session-request", structure.get());
}

void Output::on_session_request(const quic::SessionRequest& request) {
  emit_session_request(element_, static_cast<guint>(request.id >> 48), request);
}

void Output::on_session_opened(const quic::SessionOpened& opened, Time) {
  if (caller_) {
    GST_INFO_OBJECT(element_, "connected");
    post_connected(element_);
    return;
  }
  GST_INFO_OBJECT(element_, "session %u.%u opened from %s",
                  guint{opened.session.shard}, guint{opened.session.slot},
                  opened.remote_address.c_str());
  GstStructure* structure = gst_structure_new_empty(kOpenedEvent);
  put_session(structure, opened.session);
  gst_structure_set(structure, "address", G_TYPE_STRING,
                    opened.remote_address.c_str(), nullptr);
  if (opened.grant) {
    gst_structure_set(structure, "grant", GST_TYPE_STRUCTURE,
                      static_cast<GstStructure*>(opened.grant.get()), nullptr);
  }
  add_event(structure);
}

void Output::on_packet(SessionHandle session, PacketRef packet, Time) {
  GST_TRACE_OBJECT(element_, "packet of %zu bytes from %u.%u", packet->size(),
                   guint{session.shard}, guint{session.slot});
  GstBuffer* buffer = gst_videocall_packet_buffer_new(std::move(packet));
  if (!caller_) gst_videocall_buffer_get_packet_meta(buffer)->session = session;
  if (!list_) list_ = gst_buffer_list_new();
  gst_buffer_list_add(list_, buffer);
}

void Output::on_session_closed(SessionHandle session, CloseCode code,
                               std::string_view reason, bool by_peer, Time) {
  if (caller_) {
    post_disconnected(element_, code, reason, by_peer);
    ended_ = true;
    return;
  }
  GST_INFO_OBJECT(element_, "session %u.%u closed: %s%s", guint{session.shard},
                  guint{session.slot}, to_string(code).data(),
                  by_peer ? " by peer" : "");
  GstStructure* structure = gst_structure_new_empty(kClosedEvent);
  put_session(structure, session);
  gst_structure_set(structure, "code", G_TYPE_UINT, static_cast<guint>(code),
                    "reason", G_TYPE_STRING, std::string(reason).c_str(),
                    "by-peer", G_TYPE_BOOLEAN, gboolean{by_peer}, nullptr);
  add_event(structure);
}

void Output::on_draining(SessionHandle) {
  if (caller_) post_draining(element_);
}

void Output::on_link_reports(std::span<const LinkReport> reports, Time) {
  GBytes* bytes = g_bytes_new(reports.data(), reports.size_bytes());
  add_event(gst_structure_new(kFeedbackEvent, "reports", G_TYPE_BYTES, bytes,
                              nullptr));
  g_bytes_unref(bytes);
}

void Output::on_refused(int status, std::string_view reason) {
  post_refused(element_, status, reason);
  ended_ = true;
}

void Output::on_batch_end(Time) {
  close_list();
  for (GstMiniObject* item : items_) {
    if (GST_IS_EVENT(item)) {
      gst_pad_push_event(pad_, GST_EVENT_CAST(item));
      continue;
    }
    const GstFlowReturn flow =
        gst_pad_push_list(pad_, GST_BUFFER_LIST_CAST(item));
    if (flow != last_flow_) {
      GST_DEBUG_OBJECT(element_,
                       "downstream answers %s; what it does not "
                       "take is dropped",
                       gst_flow_get_name(flow));
    }
    last_flow_ = flow;
  }
  items_.clear();
}

}  // namespace videocall::transport
