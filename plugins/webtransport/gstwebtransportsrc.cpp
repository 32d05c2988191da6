// SPDX-License-Identifier: MIT
/**
 * SECTION:element-webtransportsrc
 * @title: webtransportsrc
 * @see_also: webtransportsink
 *
 * Packets of WebTransport sessions. In mode=listener the element is one shard
 * of a server: it owns its sockets and serves all its sessions in its streaming
 * thread. In mode=caller it is the client of one server. See
 * docs/elements/webtransportsrc.md.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 webtransportsrc mode=listener address=127.0.0.1:0 ! fakesink
 * ]|
 */
#include "plugins/webtransport/gstwebtransportsrc.h"

#include <atomic>
#include <memory>
#include <mutex>

#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/webtransport/gstwebtransportendpoint.h"
#include "plugins/webtransport/gstwebtransportloop.h"
#include "plugins/webtransport/gstwebtransportoutput.h"
#include "plugins/webtransport/gstwebtransportsrcsettings.h"

GST_DEBUG_CATEGORY_STATIC(webtransport_src_debug);
#define GST_CAT_DEFAULT webtransport_src_debug

namespace wt = videocall::webtransport;
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
  kSignalReloadCertificate,
  kSignalCount,
};
guint g_signals[kSignalCount];

GstStaticPadTemplate g_src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));

struct Private {
  explicit Private(GstElement* element, GstPad* pad) : output(element, pad) {}

  std::mutex mutex;  // guards settings, endpoint and loop
  wt::SrcSettings settings;
  std::shared_ptr<quic::Endpoint> endpoint;  // from READY on
  std::shared_ptr<wt::CallerLoop> loop;      // caller

  std::atomic<bool> flushing{true};
  std::atomic<bool> send_eos{false};
  // Streaming thread only, and the state change while that does not run.
  wt::Output output;
  bool started = false;  // stream-start, caps and segment have gone
};

}  // namespace

struct _GstWebTransportSrc {
  GstElement parent;
  GstPad* pad;  // borrowed
  Private* priv;
};

G_DEFINE_TYPE_WITH_CODE(GstWebTransportSrc, gst_webtransport_src,
                        GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(webtransport_src_debug,
                                                "webtransportsrc", 0,
                                                "WebTransport source"))
GST_ELEMENT_REGISTER_DEFINE(webtransportsrc, "webtransportsrc", GST_RANK_NONE,
                            GST_TYPE_WEBTRANSPORT_SRC)

namespace {

std::shared_ptr<quic::Endpoint> current_endpoint(GstWebTransportSrc* self) {
  const std::lock_guard lock(self->priv->mutex);
  return self->priv->endpoint;
}

// -- Properties ---------------------------------------------------------------

void set_property(GObject* object, guint id, const GValue* value,
                  GParamSpec* spec) {
  Private& priv = *GST_WEBTRANSPORT_SRC(object)->priv;
  const std::lock_guard lock(priv.mutex);
  if (!priv.settings.set(id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

void get_stats(const wt::SrcSettings& settings, quic::Endpoint* endpoint,
               GValue* value) {
  if (!endpoint) return;
  g_value_take_boxed(value,
                     settings.is_caller()
                         ? wt::make_caller_stats(endpoint->stats())
                         : wt::make_listener_stats(endpoint->endpoint_stats()));
}

void get_property(GObject* object, guint id, GValue* value, GParamSpec* spec) {
  Private& priv = *GST_WEBTRANSPORT_SRC(object)->priv;
  const std::lock_guard lock(priv.mutex);
  const wt::SrcSettings& settings = priv.settings;
  quic::Endpoint* endpoint = priv.endpoint.get();
  switch (id) {
    case wt::kPropPort:
      g_value_set_uint(value, endpoint ? endpoint->port() : 0);
      break;
    case wt::kPropStats:
      get_stats(settings, endpoint, value);
      break;
    case wt::kPropCertificateHashes:
      if (!settings.is_caller()) {
        wt::set_strings(value, endpoint ? endpoint->certificate_hashes()
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
bool open_endpoint(GstWebTransportSrc* self) {
  Private& priv = *self->priv;
  wt::SrcSettings settings;
  {
    const std::lock_guard lock(priv.mutex);
    settings = priv.settings;
  }
  if (!settings.is_caller() && settings.shard >= settings.shards) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("Shard %u of %u does not exist; the first is 0.",
                       settings.shard, settings.shards),
                      (nullptr));
    return false;
  }
  const quic::EndpointConfig config = settings.to_config();
  auto endpoint = quic::EndpointRegistry::acquire(
      settings.endpoint, [&] { return quic::Endpoint::open(config); });
  if (!endpoint) {
    wt::post_error(GST_ELEMENT_CAST(self), endpoint.error());
    return false;
  }
  if ((*endpoint)->config().mode != config.mode ||
      (!settings.is_caller() &&
       (*endpoint)->config().shards != settings.shards)) {
    GST_ELEMENT_ERROR(self, RESOURCE, SETTINGS,
                      ("Another element uses the endpoint \"%s\" with a "
                       "different mode or number of shards.",
                       settings.endpoint.c_str()),
                      (nullptr));
    return false;
  }
  priv.output.set_caller(settings.is_caller());
  const std::lock_guard lock(priv.mutex);
  priv.endpoint = *endpoint;
  if (settings.is_caller()) {
    priv.loop = wt::CallerLoop::of(*endpoint);
    priv.loop->source_joins();
  }
  return true;
}

void close_endpoint(GstWebTransportSrc* self) {
  std::shared_ptr<quic::Endpoint> endpoint;
  std::shared_ptr<wt::CallerLoop> loop;
  {
    const std::lock_guard lock(self->priv->mutex);
    endpoint.swap(self->priv->endpoint);
    loop.swap(self->priv->loop);
  }
  if (loop) loop->source_leaves();
  self->priv->output.reset();
}

// -- Streaming ----------------------------------------------------------------

void push_segment(GstWebTransportSrc* self) {
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_pad_push_event(self->pad, gst_event_new_segment(&segment));
}

void start_stream(GstWebTransportSrc* self) {
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

void finish_stream(GstWebTransportSrc* self) {
  GST_INFO_OBJECT(self, "end of stream");
  gst_pad_push_event(self->pad, gst_event_new_eos());
  gst_pad_pause_task(self->pad);
}

// One turn of the loop.
void run(gpointer data) {
  auto* self = static_cast<GstWebTransportSrc*>(data);
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
    shard = priv.settings.loop_shard();
  }
  auto turned = endpoint->run_once(shard, priv.output, kTurnTimeout);
  if (!turned) {
    wt::post_error(GST_ELEMENT_CAST(self), turned.error());
    finish_stream(self);
    return;
  }
  if (priv.send_eos.exchange(false) || priv.output.ended()) finish_stream(self);
}

void wake(GstWebTransportSrc* self) {
  Private& priv = *self->priv;
  const std::lock_guard lock(priv.mutex);
  if (priv.endpoint) priv.endpoint->wake(priv.settings.loop_shard());
}

gboolean activate_mode(GstPad* pad, GstObject* parent, GstPadMode mode,
                       gboolean active) {
  auto* self = GST_WEBTRANSPORT_SRC(parent);
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
gboolean stop_flush(GstWebTransportSrc* self, GstEvent* event) {
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
  auto* self = GST_WEBTRANSPORT_SRC(element);
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
      return GST_ELEMENT_CLASS(gst_webtransport_src_parent_class)
          ->send_event(element, event);
  }
}

GstStateChangeReturn change_state(GstElement* element,
                                  GstStateChange transition) {
  auto* self = GST_WEBTRANSPORT_SRC(element);
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !open_endpoint(self))
    return GST_STATE_CHANGE_FAILURE;
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(gst_webtransport_src_parent_class)
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

void admit(GstWebTransportSrc* self, guint64 request_id,
           const GstStructure* grant) {
  auto endpoint = current_endpoint(self);
  if (!endpoint) return;
  std::shared_ptr<void> copy;
  if (grant) {
    copy = std::shared_ptr<void>(gst_structure_copy(grant), [](void* s) {
      gst_structure_free(static_cast<GstStructure*>(s));
    });
  }
  endpoint->admit(request_id, std::move(copy));
}

void refuse(GstWebTransportSrc* self, guint64 request_id, guint status,
            const gchar* reason) {
  auto endpoint = current_endpoint(self);
  if (endpoint)
    endpoint->refuse(request_id, static_cast<int>(status),
                     reason ? reason : "");
}

void drain(GstWebTransportSrc* self) {
  if (auto endpoint = current_endpoint(self)) endpoint->drain();
}

void close_all(GstWebTransportSrc* self, guint code, const gchar* reason) {
  auto endpoint = current_endpoint(self);
  if (endpoint)
    endpoint->close_all(static_cast<CloseCode>(code), reason ? reason : "");
}

gboolean reload_certificate(GstWebTransportSrc* self) {
  auto endpoint = current_endpoint(self);
  if (!endpoint) return FALSE;
  auto reloaded = endpoint->reload_certificate();
  if (reloaded) return TRUE;
  GST_ELEMENT_WARNING(self, RESOURCE, READ,
                      ("The certificate was not reloaded, the old one stays "
                       "in use: %s.",
                       reloaded.error().message.c_str()),
                      (nullptr));
  return FALSE;
}

void finalize(GObject* object) {
  delete GST_WEBTRANSPORT_SRC(object)->priv;
  G_OBJECT_CLASS(gst_webtransport_src_parent_class)->finalize(object);
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
  add_action(kSignalReloadCertificate, "reload-certificate",
             G_CALLBACK(reload_certificate), G_TYPE_BOOLEAN, 0);
}

}  // namespace

static void gst_webtransport_src_class_init(GstWebTransportSrcClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  element_class->change_state = change_state;
  element_class->send_event = send_event;
  wt::install_src_properties(object_class);
  install_signals(G_TYPE_FROM_CLASS(klass));
  gst_element_class_add_static_pad_template(element_class, &g_src_template);
  gst_element_class_set_static_metadata(
      element_class, "WebTransport source", "Source/Network",
      "Packets of the WebTransport sessions of a server's shard, or of a "
      "client's one session",
      "The videocall authors");
}

static void gst_webtransport_src_init(GstWebTransportSrc* self) {
  self->pad = gst_pad_new_from_static_template(&g_src_template, "src");
  gst_pad_set_activatemode_function(self->pad, activate_mode);
  gst_pad_set_query_function(self->pad, pad_query);
  gst_pad_use_fixed_caps(self->pad);
  gst_element_add_pad(GST_ELEMENT_CAST(self), self->pad);
  GST_OBJECT_FLAG_SET(self, GST_ELEMENT_FLAG_SOURCE);
  self->priv = new Private(GST_ELEMENT_CAST(self), self->pad);
}
