// SPDX-License-Identifier: MIT
#include "plugins/transport/gsttransportsrc.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/transport/callerloop.h"
#include "plugins/transport/transportoutput.h"
#include "plugins/transport/transportsettings.h"

GST_DEBUG_CATEGORY_STATIC(transport_src_debug);
#define GST_CAT_DEFAULT transport_src_debug

namespace transport = videocall::transport;
namespace quic = videocall::quic;
using videocall::CloseCode;

namespace {

// A bound only: everything that happens wakes the loop.
constexpr auto kTurnTimeout = std::chrono::seconds(1);

enum Signal {
  kSignalSessionRequest,
  kSignalAdmit,
  kSignalRefuse,
  kSignalDrain,
  kSignalCloseAll,
  kSignalCount,
};
guint g_signals[kSignalCount];

GstStaticPadTemplate g_src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));

}  // namespace

struct GstTransportSrcPrivate {
  GstTransportSrcPrivate(GstElement* element, GstPad* pad)
      : output(element, pad) {}

  std::mutex mutex;  // guards settings, endpoint and loop
  std::unique_ptr<transport::SrcSettings> settings;
  std::shared_ptr<quic::Endpoint> endpoint;     // from READY on
  std::shared_ptr<transport::CallerLoop> loop;  // caller

  std::atomic<bool> flushing{true};
  std::atomic<bool> send_eos{false};
  // Streaming thread only, and the state change while that does not run.
  transport::Output output;
  bool started = false;  // stream-start, caps and segment have gone
};

using Private = GstTransportSrcPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_CODE(
    GstTransportSrc, gst_transport_src, GST_TYPE_ELEMENT,
    GST_DEBUG_CATEGORY_INIT(transport_src_debug, "videocalltransportsrc", 0,
                            "what the sources of all transports do"))

std::shared_ptr<quic::Endpoint> gst_transport_src_get_endpoint(
    GstTransportSrc* self) {
  const std::lock_guard lock(self->priv->mutex);
  return self->priv->endpoint;
}

namespace {

GstTransportSrcClass* class_of(gpointer self) {
  return GST_TRANSPORT_SRC_GET_CLASS(self);
}

// -- Properties ---------------------------------------------------------------

void set_property(GObject* object, guint id, const GValue* value,
                  GParamSpec* spec) {
  Private& priv = *GST_TRANSPORT_SRC(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (!priv.settings->set(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_stats(const char* kind, const transport::SrcSettings& settings,
               quic::Endpoint* endpoint, GValue* value) {
  if (!endpoint) return;
  g_value_take_boxed(
      value,
      settings.is_caller()
          ? transport::make_caller_stats(kind, endpoint->stats())
          : transport::make_listener_stats(kind, endpoint->endpoint_stats()));
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Private& priv = *GST_TRANSPORT_SRC(object)->priv;
  const std::lock_guard lock(priv.mutex);
  const transport::SrcSettings& settings = *priv.settings;
  quic::Endpoint* endpoint = priv.endpoint.get();
  switch (id) {
    case transport::kPropPort:
      g_value_set_uint(value, endpoint ? endpoint->port() : 0);
      break;
    case transport::kPropStats:
      get_stats(class_of(object)->kind, settings, endpoint, value);
      break;
    case transport::kPropCertificateHashes:
      if (!settings.is_caller()) {
        transport::set_strings(value, endpoint ? endpoint->certificate_hashes()
                                               : quic::CertificateHashes());
        break;
      }
      [[fallthrough]];
    default:
      if (!settings.get(id, value))
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
  }
}

// -- The endpoint -------------------------------------------------------------

// NULL to READY: the sockets, so that a taken port is known at once.
bool open_endpoint(GstTransportSrc* self) {
  Private& priv = *self->priv;
  std::string name;
  guint shard = 0;
  quic::EndpointConfig config;
  {
    const std::lock_guard lock(priv.mutex);
    name = priv.settings->endpoint;
    shard = priv.settings->shard;
    config = priv.settings->to_config();
  }
  const bool caller = config.mode == quic::EndpointConfig::Mode::caller;
  if (!caller && shard >= config.shards) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("Shard %u of %u does not exist; the first is 0.", shard,
                       config.shards),
                      (nullptr));
    return false;
  }
  auto endpoint = quic::EndpointRegistry::acquire(
      std::string(class_of(self)->kind) + "/" + name,
      [&] { return class_of(self)->open(config); });
  if (!endpoint) {
    transport::post_error(GST_ELEMENT_CAST(self), endpoint.error());
    return false;
  }
  if ((*endpoint)->config().mode != config.mode ||
      (!caller && (*endpoint)->config().shards != config.shards)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("Another element uses the endpoint \"%s\" with a "
                       "different mode or number of shards.",
                       name.c_str()),
                      (nullptr));
    return false;
  }
  priv.output.set_caller(caller);
  const std::lock_guard lock(priv.mutex);
  priv.endpoint = *endpoint;
  if (caller) {
    priv.loop = transport::CallerLoop::of(*endpoint);
    priv.loop->source_joins();
  }
  return true;
}

void close_endpoint(GstTransportSrc* self) {
  std::shared_ptr<quic::Endpoint> endpoint;
  std::shared_ptr<transport::CallerLoop> loop;
  {
    const std::lock_guard lock(self->priv->mutex);
    endpoint.swap(self->priv->endpoint);
    loop.swap(self->priv->loop);
  }
  if (loop) loop->source_leaves();
  self->priv->output.reset();
}

// -- Streaming ----------------------------------------------------------------

void push_segment(GstTransportSrc* self) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(self->pad, gst_event_new_segment(&segment));
}

void start_stream(GstTransportSrc* self) {
  gchar* id =
      gst_pad_create_stream_id(self->pad, GST_ELEMENT_CAST(self), nullptr);
  gst_pad_push_event(self->pad, gst_event_new_stream_start(id));
  g_free(id);
  GstCaps* caps = gst_static_pad_template_get_caps(&g_src_template);
  gst_pad_push_event(self->pad, gst_event_new_caps(caps));
  gst_caps_unref(caps);
  push_segment(self);
  self->priv->started = true;
}

void finish_stream(GstTransportSrc* self) {
  GST_INFO_OBJECT(self, "end of stream");
  gst_pad_push_event(self->pad, gst_event_new_eos());
  gst_pad_pause_task(self->pad);
}

// One turn of the loop.
void run(gpointer data) {
  auto* self = static_cast<GstTransportSrc*>(data);
  Private& priv = *self->priv;
  if (priv.flushing) {
    gst_pad_pause_task(self->pad);
    return;
  }
  if (!priv.started) start_stream(self);
  std::shared_ptr<quic::Endpoint> endpoint;
  guint shard = 0;
  {
    const std::lock_guard lock(priv.mutex);
    endpoint = priv.endpoint;
    shard = priv.settings->loop_shard();
  }
  auto turned = endpoint->run_once(shard, priv.output, kTurnTimeout);
  if (!turned) {
    transport::post_error(GST_ELEMENT_CAST(self), turned.error());
    finish_stream(self);
    return;
  }
  if (priv.send_eos.exchange(false) || priv.output.ended()) finish_stream(self);
}

void wake(GstTransportSrc* self) {
  Private& priv = *self->priv;
  const std::lock_guard lock(priv.mutex);
  if (priv.endpoint) priv.endpoint->wake(priv.settings->loop_shard());
}

gboolean activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                       gboolean active) {
  auto* self = GST_TRANSPORT_SRC(parent);
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  Private& priv = *self->priv;
  if (active) {
    priv.flushing = false;
    priv.send_eos = false;
    priv.started = false;
    return gst_pad_start_task(pad, run, self, nullptr);
  }
  priv.flushing = true;
  wake(self);
  return gst_pad_stop_task(pad);
}

gboolean pad_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_LATENCY:
      // Packets carry no timestamps; the depayloader adds what it waits.
      gst_query_set_latency(query, TRUE, 0, GST_CLOCK_TIME_NONE);
      return TRUE;
    case GST_QUERY_SCHEDULING:
      gst_query_set_scheduling(query, GST_SCHEDULING_FLAG_SEQUENTIAL, 1, -1, 0);
      gst_query_add_scheduling_mode(query, GST_PAD_MODE_PUSH);
      return TRUE;
    default:
      return gst_pad_query_default(pad, parent, query);
  }
}

// A flush resets the time: nothing may go out between its end and the segment,
// so the loop rests meanwhile.
gboolean stop_flush(GstTransportSrc* self, GstEvent* event) {
  GstTask* task = nullptr;
  GST_OBJECT_LOCK(self->pad);
  if (GST_PAD_TASK(self->pad))
    task = GST_TASK(gst_object_ref(GST_PAD_TASK(self->pad)));
  GST_OBJECT_UNLOCK(self->pad);
  const bool running = task && gst_task_get_state(task) == GST_TASK_STARTED;
  if (running) gst_task_pause(task);
  wake(self);
  GST_PAD_STREAM_LOCK(self->pad);
  const gboolean done = gst_pad_push_event(self->pad, event);
  if (self->priv->started) push_segment(self);
  GST_PAD_STREAM_UNLOCK(self->pad);
  if (running && !self->priv->flushing) gst_task_start(task);
  gst_clear_object(&task);
  return done;
}

gboolean send_event(GstElement* element, GstEvent* event) {
  auto* self = GST_TRANSPORT_SRC(element);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_EOS:
      gst_event_unref(event);
      self->priv->send_eos = true;
      wake(self);
      return TRUE;
    case GST_EVENT_FLUSH_START:
      return gst_pad_push_event(self->pad, event);
    case GST_EVENT_FLUSH_STOP:
      return stop_flush(self, event);
    default:
      return GST_ELEMENT_CLASS(gst_transport_src_parent_class)
          ->send_event(element, event);
  }
}

GstStateChangeReturn change_state(GstElement* element,
                                  GstStateChange transition) {
  auto* self = GST_TRANSPORT_SRC(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_endpoint(self))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_transport_src_parent_class)
          ->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL ||
      (transition == GST_STATE_CHANGE_NULL_TO_READY &&
       result == GST_STATE_CHANGE_FAILURE))
    close_endpoint(self);
  if (result != GST_STATE_CHANGE_FAILURE &&
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED ||
       transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED))
    return GST_STATE_CHANGE_NO_PREROLL;  // a live source
  return result;
}

// -- Action signals -----------------------------------------------------------

void admit(GstTransportSrc* self, guint64 request_id,
           const GstStructure* grant) {
  auto endpoint = gst_transport_src_get_endpoint(self);
  if (!endpoint) return;
  std::shared_ptr<void> copy;
  if (grant) {
    copy = std::shared_ptr<void>(gst_structure_copy(grant), [](void* s) {
      gst_structure_free(static_cast<GstStructure*>(s));
    });
  }
  endpoint->admit(request_id, std::move(copy));
}

void refuse(GstTransportSrc* self, guint64 request_id, guint status,
            const gchar* reason) {
  auto endpoint = gst_transport_src_get_endpoint(self);
  if (endpoint)
    endpoint->refuse(request_id, static_cast<int>(status),
                     reason ? reason : "");
}

void drain(GstTransportSrc* self) {
  if (auto endpoint = gst_transport_src_get_endpoint(self)) endpoint->drain();
}

void close_all(GstTransportSrc* self, guint code, const gchar* reason) {
  auto endpoint = gst_transport_src_get_endpoint(self);
  if (endpoint)
    endpoint->close_all(static_cast<CloseCode>(code), reason ? reason : "");
}

void constructed(GObject* object) {
  auto* self = GST_TRANSPORT_SRC(object);
  self->priv->settings = class_of(self)->make_settings();
  G_OBJECT_CLASS(gst_transport_src_parent_class)->constructed(object);
}

void finalize(GObject* object) {
  delete GST_TRANSPORT_SRC(object)->priv;
  G_OBJECT_CLASS(gst_transport_src_parent_class)->finalize(object);
}

// -- Class --------------------------------------------------------------------

void install_signals(GType type) {
  constexpr auto action =
      static_cast<GSignalFlags>(G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION);
  g_signals[kSignalSessionRequest] =
      g_signal_new("session-request", type, G_SIGNAL_RUN_LAST, 0, nullptr,
                   nullptr, nullptr, G_TYPE_NONE, 1, GST_TYPE_STRUCTURE);
  auto add_action = [&](Signal signal, const char* name, GCallback handler,
                        GType result, guint count, GType a = G_TYPE_NONE,
                        GType b = G_TYPE_NONE, GType c = G_TYPE_NONE) {
    g_signals[signal] =
        g_signal_new_class_handler(name, type, action, handler, nullptr,
                                   nullptr, nullptr, result, count, a, b, c);
  };
  add_action(kSignalAdmit, "admit", G_CALLBACK(admit), G_TYPE_NONE, 2,
             G_TYPE_UINT64, GST_TYPE_STRUCTURE);
  add_action(kSignalRefuse, "refuse", G_CALLBACK(refuse), G_TYPE_NONE, 3,
             G_TYPE_UINT64, G_TYPE_UINT, G_TYPE_STRING);
  add_action(kSignalDrain, "drain", G_CALLBACK(drain), G_TYPE_NONE, 0);
  add_action(kSignalCloseAll, "close-all", G_CALLBACK(close_all), G_TYPE_NONE,
             2, G_TYPE_UINT, G_TYPE_STRING);
}

}  // namespace

void gst_transport_src_class_prepare(GstTransportSrcClass* klass) {
  G_OBJECT_CLASS(klass)->set_property = set_property;
  G_OBJECT_CLASS(klass)->get_property = get_property;
}

static void gst_transport_src_class_init(GstTransportSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->constructed = constructed;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->send_event = send_event;
  install_signals(G_TYPE_FROM_CLASS(klass));
  gst_element_class_add_static_pad_template(element_class, &g_src_template);
}

static void gst_transport_src_init(GstTransportSrc* self) {
  self->pad = gst_pad_new_from_static_template(&g_src_template, "src");
  gst_pad_set_activatemode_function(self->pad, activate_mode);
  gst_pad_set_query_function(self->pad, pad_query);
  gst_pad_use_fixed_caps(self->pad);
  gst_element_add_pad(GST_ELEMENT_CAST(self), self->pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  self->priv = new Private(GST_ELEMENT_CAST(self), self->pad);
}
