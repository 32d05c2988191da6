// SPDX-License-Identifier: MIT
#include "plugins/videocall/transport.h"

#include <atomic>

#include "plugins/common/gstvideocallpacketmeta.h"

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

namespace videocall::gst {
namespace {

// Two transports of one process must never share an endpoint.
std::string unique_endpoint_name() {
  static std::atomic<unsigned> count{0};
  return "videocall-connection-" + std::to_string(++count);
}

TransportVisitor& visitor_of(GstPad* pad) {
  return *static_cast<TransportVisitor*>(gst_pad_get_element_private(pad));
}

GstFlowReturn chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
  const BufferPtr owned(buffer);
  PacketRef packet = gst_videocall_buffer_get_packet(buffer);
  if (packet) visitor_of(pad).on_packets({std::move(packet)});
  return GST_FLOW_OK;
}

GstFlowReturn chain_list(GstPad* pad, GstObject*, GstBufferList* list) {
  std::vector<PacketRef> packets;
  const guint length = gst_buffer_list_length(list);
  packets.reserve(length);
  for (guint i = 0; i < length; ++i) {
    PacketRef packet =
        gst_videocall_buffer_get_packet(gst_buffer_list_get(list, i));
    if (packet) packets.push_back(std::move(packet));
  }
  gst_buffer_list_unref(list);
  visitor_of(pad).on_packets(std::move(packets));
  return GST_FLOW_OK;
}

gboolean swallow_event(GstPad*, GstObject*, GstEvent* event) {
  gst_event_unref(event);
  return TRUE;
}

void set_common(GstElement* element, const Transport::Options& options,
                const std::string& endpoint) {
  std::vector<const gchar*> hashes;
  for (const std::string& hash : options.certificate_hashes)
    hashes.push_back(hash.c_str());
  hashes.push_back(nullptr);
  gst_util_set_object_arg(G_OBJECT(element), "mode", "caller");
  g_object_set(element, "endpoint", endpoint.c_str(), "uri",
               options.url.c_str(), "insecure-skip-verify",
               gboolean{options.insecure_skip_verify}, "client-name",
               options.client_name.c_str(), nullptr);
  if (options.kind != "webtransport") return;  // what is QUIC's own
  g_object_set(element, "certificate-hashes", hashes.data(),
               "congestion-control",
               static_cast<gint>(options.congestion_control), nullptr);
  if (!options.keylog_file.empty())
    g_object_set(element, "keylog-file", options.keylog_file.c_str(), nullptr);
}

void begin_stream(GstPad* pad) {
  gst_pad_push_event(pad, gst_event_new_stream_start("videocall"));
  const CapsPtr caps(gst_caps_from_string(GST_VIDEOCALL_PACKET_CAPS));
  gst_pad_push_event(pad, gst_event_new_caps(caps.get()));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(pad, gst_event_new_segment(&segment));
}

std::string text_of(const GstStructure* structure, const char* field) {
  const gchar* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

}  // namespace

std::unique_ptr<Transport> Transport::create(const Options& options,
                                             TransportVisitor& visitor,
                                             GMainContext* context) {
  std::unique_ptr<Transport> transport(new Transport(visitor));
  if (!transport->build(options)) return nullptr;
  transport->watch_bus(context);
  return transport;
}

bool Transport::build(const Options& options) {
  GstElement* source =
      gst_element_factory_make((options.kind + "src").c_str(), nullptr);
  GstElement* sink =
      gst_element_factory_make((options.kind + "sink").c_str(), nullptr);
  pipeline_.reset(GST_ELEMENT(
      gst_object_ref_sink(gst_pipeline_new("videocall-transport"))));
  if (source) gst_bin_add(GST_BIN(pipeline_.get()), source);
  if (sink) gst_bin_add(GST_BIN(pipeline_.get()), sink);
  if (!source || !sink) return false;
  source_ = source;
  sink_ = sink;
  const std::string endpoint = unique_endpoint_name();
  set_common(source, options, endpoint);
  set_common(sink, options, endpoint);

  in_.reset(GST_PAD(gst_object_ref_sink(gst_pad_new("in", GST_PAD_SINK))));
  gst_pad_set_element_private(in_.get(), &visitor_);
  gst_pad_set_chain_function(in_.get(), chain);
  gst_pad_set_chain_list_function(in_.get(), chain_list);
  gst_pad_set_event_function(in_.get(), swallow_event);
  gst_pad_set_active(in_.get(), TRUE);
  const ObjectPtr<GstPad> src(gst_element_get_static_pad(source, "src"));
  out_.reset(GST_PAD(gst_object_ref_sink(gst_pad_new("out", GST_PAD_SRC))));
  gst_pad_set_active(out_.get(), TRUE);
  sink_pad_.reset(gst_element_request_pad_simple(sink, "sink_%u"));
  if (gst_pad_link(src.get(), in_.get()) != GST_PAD_LINK_OK || !sink_pad_ ||
      gst_pad_link(out_.get(), sink_pad_.get()) != GST_PAD_LINK_OK)
    return false;
  begin_stream(out_.get());  // push() may come before start()
  return true;
}

void Transport::watch_bus(GMainContext* context) {
  const ObjectPtr<GstBus> bus(
      gst_pipeline_get_bus(GST_PIPELINE(pipeline_.get())));
  watch_ = gst_bus_create_watch(bus.get());
  const GstBusFunc function = [](GstBus*, GstMessage* message,
                                 gpointer data) -> gboolean {
    static_cast<Transport*>(data)->on_message(message);
    return G_SOURCE_CONTINUE;
  };
  g_source_set_callback(watch_, G_SOURCE_FUNC(function), this, nullptr);
  g_source_attach(watch_, context);
}

Transport::~Transport() {
  stop();
  if (sink_pad_) gst_element_release_request_pad(sink_, sink_pad_.get());
}

void Transport::stop(CloseCode code) {
  if (watch_) {
    g_source_destroy(watch_);
    g_source_unref(watch_);
    watch_ = nullptr;
  }
  // Without a word it would have left.
  if (code != CloseCode::left)
    g_signal_emit_by_name(source_, "close-all", static_cast<guint>(code), "");
  // Ends the streaming thread, and with the endpoint the session.
  gst_element_set_state(pipeline_.get(), GST_STATE_NULL);
  if (in_) gst_pad_set_active(in_.get(), FALSE);
  if (out_) gst_pad_set_active(out_.get(), FALSE);
}

void Transport::start() {
  // A failure comes as an error message.
  gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING);
}

void Transport::push(PacketRef packet) {
  gst_pad_push(out_.get(), gst_videocall_packet_buffer_new(std::move(packet)));
}

StructurePtr Transport::stats() const {
  GstStructure* stats = nullptr;
  g_object_get(sink_, "stats", &stats, nullptr);
  return StructurePtr(stats);
}

// May end in the destruction of this: the visitor is told last.
void Transport::on_message(GstMessage* message) {
  if (over_) return;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    over_ = true;
    GError* raw = nullptr;
    gchar* debug = nullptr;
    gst_message_parse_error(message, &raw, &debug);
    const ErrorPtr error(raw);
    const GStrPtr details(debug);
    GST_INFO("transport failed: %s (%s)", error->message,
             details ? details.get() : "");
    visitor_.on_refused(0, error->message);
    return;
  }
  if (GST_MESSAGE_TYPE(message) != GST_MESSAGE_ELEMENT) return;
  const GstStructure* structure = gst_message_get_structure(message);
  if (gst_structure_has_name(structure, "videocall-connected")) {
    visitor_.on_connected();
  } else if (gst_structure_has_name(structure, "videocall-refused")) {
    over_ = true;
    gint status = 0;
    gst_structure_get_int(structure, "status", &status);
    visitor_.on_refused(status, text_of(structure, "reason"));
  } else if (gst_structure_has_name(structure, "videocall-disconnected")) {
    over_ = true;
    guint code = 0;
    gst_structure_get_uint(structure, "code", &code);
    visitor_.on_disconnected(static_cast<CloseCode>(code),
                             text_of(structure, "reason"));
  } else if (gst_structure_has_name(structure, "videocall-draining")) {
    visitor_.on_draining();
  }
}

}  // namespace videocall::gst
