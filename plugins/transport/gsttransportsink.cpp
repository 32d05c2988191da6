// SPDX-License-Identifier: MIT
#include "plugins/transport/gsttransportsink.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/common/sinkpads.h"
#include "plugins/transport/callerloop.h"
#include "plugins/transport/transportsettings.h"

GST_DEBUG_CATEGORY_STATIC(transport_sink_debug);
#define GST_CAT_DEFAULT transport_sink_debug

namespace transport = videocall::transport;
namespace quic = videocall::quic;
using videocall::Delivery;
using videocall::PacketRef;

namespace {

GstStaticPadTemplate g_sink_template =
    GST_STATIC_PAD_TEMPLATE("sink_%u", GST_PAD_SINK, GST_PAD_REQUEST,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));

// Hears a caller's loop while no source runs it.
class SinkVisitor final : public quic::ShardVisitor {
 public:
  explicit SinkVisitor(GstElement* element) : element_(element) {}

  void on_session_request(const quic::SessionRequest&) override {}
  void on_session_opened(const quic::SessionOpened&, videocall::Time) override {
    transport::post_connected(element_);
  }
  // What the server sends to a publisher alone is nobody's here.
  void on_packet(videocall::SessionHandle, PacketRef,
                 videocall::Time) override {}
  void on_session_closed(videocall::SessionHandle, videocall::CloseCode code,
                         std::string_view reason, bool by_peer,
                         videocall::Time) override {
    transport::post_disconnected(element_, code, reason, by_peer);
  }
  void on_draining(videocall::SessionHandle) override {
    transport::post_draining(element_);
  }
  void on_refused(int status, std::string_view reason) override {
    transport::post_refused(element_, status, reason);
  }
  void on_batch_end(videocall::Time) override {}

 private:
  GstElement* const element_;  // borrowed
};

}  // namespace

struct GstTransportSinkPrivate {
  explicit GstTransportSinkPrivate(GstElement* element)
      : pads(element), visitor(element) {}

  videocall::SinkPads pads;

  std::mutex mutex;  // guards what follows
  transport::Settings settings;
  std::shared_ptr<quic::Endpoint> endpoint;  // once found, until READY to NULL
  std::shared_ptr<transport::CallerLoop> loop;  // caller, from PAUSED on

  SinkVisitor visitor;
};

using Private = GstTransportSinkPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_CODE(
    GstTransportSink, gst_transport_sink, GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT(transport_sink_debug, "videocalltransportsink", 0,
                            "what the sinks of all transports do"))

namespace {

const char* kind_of(gpointer self) {
  return GST_TRANSPORT_SINK_GET_CLASS(self)->kind;
}

// Endpoints of different transports never meet.
std::string endpoint_key(gpointer self, const std::string& name) {
  return std::string(kind_of(self)) + "/" + name;
}

// -- Properties ---------------------------------------------------------------

void set_property(GObject* object, guint id, const GValue* value,
                  GParamSpec* spec) {
  Private& priv = *GST_TRANSPORT_SINK(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (!priv.settings.set(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Private& priv = *GST_TRANSPORT_SINK(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (id == transport::kPropStats) {
    if (!priv.endpoint) return;
    g_value_take_boxed(
        value, priv.settings.is_caller()
                   ? transport::make_caller_stats(kind_of(object),
                                                  priv.endpoint->stats())
                   : transport::make_listener_stats(
                         kind_of(object), priv.endpoint->endpoint_stats()));
    return;
  }
  if (!priv.settings.get(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

// -- The endpoint -------------------------------------------------------------

// Bins start sinks first, so a sink finds what its source opened when it first
// needs it.
std::shared_ptr<quic::Endpoint> find_endpoint(GstTransportSink* self) {
  Private& priv = *self->priv;
  const std::lock_guard lock(priv.mutex);
  if (!priv.endpoint)
    priv.endpoint = quic::EndpointRegistry::find(
        endpoint_key(self, priv.settings.endpoint));
  return priv.endpoint;
}

// NULL to READY. Only a caller with an address of its own opens an endpoint.
bool open_endpoint(GstTransportSink* self) {
  Private& priv = *self->priv;
  transport::Settings settings;
  {
    const std::lock_guard lock(priv.mutex);
    settings = priv.settings;
  }
  if (!settings.is_caller() || settings.uri.empty()) return true;
  auto endpoint = quic::EndpointRegistry::acquire(
      endpoint_key(self, settings.endpoint), [&] {
        return GST_TRANSPORT_SINK_GET_CLASS(self)->open(settings.to_config());
      });
  if (!endpoint) {
    transport::post_error(GST_ELEMENT_CAST(self), endpoint.error());
    return false;
  }
  if ((*endpoint)->config().mode != quic::EndpointConfig::Mode::caller) {
    GST_ELEMENT_ERROR(
        self, RESOURCE, SETTINGS,
        ("The endpoint \"%s\" is a listener's.", settings.endpoint.c_str()),
        (nullptr));
    return false;
  }
  const std::lock_guard lock(priv.mutex);
  priv.endpoint = *endpoint;
  return true;
}

// READY to PAUSED: by now a source of the same pipeline has its endpoint.
bool join_loop(GstTransportSink* self) {
  Private& priv = *self->priv;
  auto endpoint = find_endpoint(self);
  bool caller = false;
  {
    const std::lock_guard lock(priv.mutex);
    caller = priv.settings.is_caller();
  }
  if (!caller) return true;
  if (!endpoint) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("No \"uri\" to call, and no source that opened the "
                       "endpoint."),
                      (nullptr));
    return false;
  }
  auto loop = transport::CallerLoop::of(endpoint);
  loop->sink_joins(&priv.visitor);
  const std::lock_guard lock(priv.mutex);
  priv.loop = std::move(loop);
  return true;
}

void leave_loop(GstTransportSink* self) {
  std::shared_ptr<transport::CallerLoop> loop;
  {
    const std::lock_guard lock(self->priv->mutex);
    loop.swap(self->priv->loop);
  }
  if (loop) loop->sink_leaves(&self->priv->visitor);
}

void close_endpoint(GstTransportSink* self) {
  std::shared_ptr<quic::Endpoint> endpoint;
  const std::lock_guard lock(self->priv->mutex);
  endpoint.swap(self->priv->endpoint);
}

// -- Streaming ----------------------------------------------------------------

class Batch {
 public:
  explicit Batch(quic::Endpoint& endpoint)
      : endpoint_(endpoint),
        caller_(endpoint.config().mode == quic::EndpointConfig::Mode::caller) {}

  void add(GstBuffer* buffer) {
    if (caller_) {
      PacketRef packet = gst_videocall_buffer_get_packet(buffer);
      if (packet) packets_.push_back(std::move(packet));
      return;
    }
    const auto* meta = gst_videocall_buffer_get_packet_meta(buffer);
    if (meta && meta->recipients)
      deliveries_.push_back({meta->packet, meta->recipients});
  }
  void send() {
    if (!packets_.empty()) endpoint_.send(packets_);
    if (!deliveries_.empty()) endpoint_.deliver(deliveries_);
  }

 private:
  quic::Endpoint& endpoint_;
  const bool caller_;
  std::vector<PacketRef> packets_;
  std::vector<Delivery> deliveries_;
};

GstFlowReturn chain(GstPad*, GstObject* parent, GstBuffer* buffer) {
  if (auto endpoint = find_endpoint(GST_TRANSPORT_SINK(parent))) {
    Batch batch(*endpoint);
    batch.add(buffer);
    batch.send();
  }
  gst_buffer_unref(buffer);
  return GST_FLOW_OK;
}

GstFlowReturn chain_list(GstPad*, GstObject* parent, GstBufferList* list) {
  if (auto endpoint = find_endpoint(GST_TRANSPORT_SINK(parent))) {
    Batch batch(*endpoint);
    const guint length = gst_buffer_list_length(list);
    for (guint i = 0; i < length; ++i) batch.add(gst_buffer_list_get(list, i));
    batch.send();
  }
  gst_buffer_list_unref(list);
  return GST_FLOW_OK;
}

void close_session(GstTransportSink* self, const GstStructure* structure) {
  videocall::CloseCommand command;
  guint code = 0;
  if (!transport::get_session(structure, command.session) ||
      !gst_structure_get_uint(structure, "code", &code)) {
    GST_WARNING_OBJECT(self, "incomplete %s", transport::kCloseSessionEvent);
    return;
  }
  command.code = static_cast<videocall::CloseCode>(code);
  const gchar* reason = gst_structure_get_string(structure, "reason");
  if (reason) command.reason = reason;
  auto endpoint = find_endpoint(self);
  if (endpoint && endpoint->config().number == command.session.endpoint)
    endpoint->close_session(command);
}

gboolean pad_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  auto* self = GST_TRANSPORT_SINK(parent);
  self->priv->pads.meet(pad, event);
  if (GST_EVENT_TYPE(event) == GST_EVENT_CUSTOM_DOWNSTREAM &&
      gst_event_has_name(event, transport::kCloseSessionEvent))
    close_session(self, gst_event_get_structure(event));
  gst_event_unref(event);
  return TRUE;
}

GstPad* request_new_pad(GstElement* element, GstPadTemplate* templ,
                        const gchar* name, const GstCaps*) {
  return GST_TRANSPORT_SINK(element)->priv->pads.request(
      templ, name, {chain, chain_list, pad_event});
}

void release_pad(GstElement* element, GstPad* pad) {
  GST_TRANSPORT_SINK(element)->priv->pads.release(pad);
}

gboolean send_event(GstElement* element, GstEvent* event) {
  // Packets go out at once, whatever the pipeline's latency is.
  if (GST_EVENT_TYPE(event) == GST_EVENT_LATENCY) {
    gst_event_unref(event);
    return TRUE;
  }
  return GST_ELEMENT_CLASS(gst_transport_sink_parent_class)
      ->send_event(element, event);
}

GstStateChangeReturn change_state(GstElement* element,
                                  GstStateChange transition) {
  auto* self = GST_TRANSPORT_SINK(element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) self->priv->pads.reset();
  if ((transition == GST_STATE_CHANGE_NULL_TO_READY && !open_endpoint(self)) ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !join_loop(self)))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_transport_sink_parent_class)
          ->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
       result == GST_STATE_CHANGE_FAILURE))
    leave_loop(self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL) close_endpoint(self);
  return result;
}

void finalize(GObject* object) {
  delete GST_TRANSPORT_SINK(object)->priv;
  G_OBJECT_CLASS(gst_transport_sink_parent_class)->finalize(object);
}

}  // namespace

void gst_transport_sink_class_prepare(GstTransportSinkClass* klass) {
  G_OBJECT_CLASS(klass)->set_property = set_property;
  G_OBJECT_CLASS(klass)->get_property = get_property;
}

static void gst_transport_sink_class_init(GstTransportSinkClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->send_event = send_event;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  gst_element_class_add_static_pad_template(element_class, &g_sink_template);
}

static void gst_transport_sink_init(GstTransportSink* self) {
  self->priv = new Private(GST_ELEMENT_CAST(self));
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SINK);
}
