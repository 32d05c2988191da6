// SPDX-License-Identifier: MIT
// Packets come in on the upstream's thread, which only sorts them in and never
// waits for anything downstream (but for a file that is read faster than it is
// played). Each track has a streaming thread of its own, its pad's task, so
// that a decoder that blocks holds up nobody else.
#include "plugins/payload/gstvideocalldepay.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "plugins/common/gstptr.h"
#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/payload/depaystate.h"

GST_DEBUG_CATEGORY(gst_videocall_depay_debug);
#define GST_CAT_DEFAULT gst_videocall_depay_debug

using videocall::ClockMap;
using videocall::MediaKind;
using videocall::PacketRef;
using videocall::SessionReceiver;

using Private = videocall::gst::DepayState;
using Track = videocall::gst::DepayTrack;

namespace {

constexpr guint kMaxLatencyMs = 10'000;
// What may wait for a track when packets come faster than they are played;
// more while another track has nothing, since its packets may be behind.
constexpr size_t kMaxWaiting = 32;
constexpr size_t kMaxWaitingForOthers = 512;

enum Property { PROP_0, PROP_LATENCY, PROP_STATS };

}  // namespace

#define VIDEO_CAPS                                    \
  "video/x-vp8; video/x-vp9; "                        \
  "video/x-av1, stream-format=(string)obu-stream, "   \
  "alignment=(string)tu; "                            \
  "video/x-h264, stream-format=(string)byte-stream, " \
  "alignment=(string)au"
static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS,
                            GST_STATIC_CAPS(GST_VIDEOCALL_PACKET_CAPS));
static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE(
    "video", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(VIDEO_CAPS));
static GstStaticPadTemplate screen_template = GST_STATIC_PAD_TEMPLATE(
    "screen", GST_PAD_SRC, GST_PAD_SOMETIMES, GST_STATIC_CAPS(VIDEO_CAPS));
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE(
    "audio", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS("audio/x-opus, rate=(int)48000, channels=(int)2, "
                    "channel-mapping-family=(int)0"));

#define gst_videocall_depay_parent_class parent_class
G_DEFINE_TYPE_WITH_CODE(GstVideocallDepay, gst_videocall_depay,
                        GST_TYPE_ELEMENT,
                        GST_DEBUG_CATEGORY_INIT(gst_videocall_depay_debug,
                                                "videocalldepay", 0,
                                                "videocall depayloader"))
GST_ELEMENT_REGISTER_DEFINE(videocalldepay, "videocalldepay", GST_RANK_NONE,
                            GST_TYPE_VIDEOCALL_DEPAY)

// -- Sink pad

static bool upstream_is_live(GstVideocallDepay* self) {
  const videocall::gst::QueryPtr query(gst_query_new_latency());
  gboolean live = TRUE;
  if (gst_pad_peer_query(self->priv->sinkpad, query.get()))
    gst_query_parse_latency(query.get(), &live, nullptr, nullptr);
  return live;
}

static void ensure_receiver(GstVideocallDepay* self) {
  Private* priv = self->priv;
  {
    const std::lock_guard guard(priv->lock);
    if (priv->receiver) return;
  }
  const bool live = upstream_is_live(self);
  const std::lock_guard guard(priv->lock);
  priv->receiver = std::make_unique<SessionReceiver>(
      int64_t{priv->latency_ms} * 1000,
      live ? ClockMap::Mode::live : ClockMap::Mode::linear);
  GST_INFO_OBJECT(self, "packets are %s", live ? "live" : "not live");
}

// Whether what is read from a file has to wait until more of it was played.
static bool is_full(Private* priv, MediaKind kind) {
  const SessionReceiver& receiver = *priv->receiver;
  if (kind == MediaKind::unspecified || !priv->track(kind).pad ||
      receiver.clock().mode() != ClockMap::Mode::linear)
    return false;
  const bool starving = std::any_of(
      priv->tracks.begin(), priv->tracks.end(), [&](const Track& track) {
        return track.pad && receiver.ready(track.kind) == 0;
      });
  const bool patient = starving || !priv->playing;
  return receiver.ready(kind) >= (patient ? kMaxWaitingForOthers : kMaxWaiting);
}

// What upstream is told: that of the pads together. One that nobody links, or
// that failed, never stops the others.
static GstFlowReturn combined_flow(const Private* priv) {
  if (priv->stopping) return GST_FLOW_FLUSHING;
  bool any = false;
  for (const Track& track : priv->tracks) {
    if (!track.pad) continue;
    if (track.flow != GST_FLOW_EOS) return GST_FLOW_OK;
    any = true;
  }
  return any ? GST_FLOW_EOS : GST_FLOW_OK;
}

// Counts |outcome|; true if a warning is to be posted for it.
static bool count_outcome(Private* priv, SessionReceiver::Outcome outcome) {
  switch (outcome) {
    case SessionReceiver::Outcome::accepted:
      return false;
    case SessionReceiver::Outcome::no_media:
      ++priv->ignored;
      return false;
    case SessionReceiver::Outcome::encrypted:
      ++priv->encrypted;
      return !std::exchange(priv->told_encrypted, true);
    default:
      ++priv->malformed;
      return false;
  }
}

static GstFlowReturn gst_videocall_depay_chain(GstPad*, GstObject* parent,
                                               GstBuffer* buffer) {
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(parent);
  Private* priv = self->priv;
  const videocall::gst::BufferPtr owned(buffer);
  const PacketRef packet = gst_videocall_buffer_get_packet(buffer);
  if (!packet) {
    GST_WARNING_OBJECT(self, "a buffer that holds no packet is dropped");
    const std::lock_guard guard(priv->lock);
    ++priv->malformed;
    return combined_flow(priv);
  }
  ensure_receiver(self);
  const videocall::PacketFields& fields = packet->fields();
  std::unique_lock guard(priv->lock);
  while (!priv->stopping && is_full(priv, fields.kind))
    priv->changed.wait(guard);
  if (priv->stopping) return GST_FLOW_FLUSHING;
  const auto outcome =
      priv->receiver->push(packet, videocall::gst::depay_now_us(self));
  const bool warn = count_outcome(priv, outcome);
  const bool starts =
      outcome == SessionReceiver::Outcome::accepted &&
      (fields.kind == MediaKind::audio || fields.header.keyframe);
  Track* track = starts ? &priv->track(fields.kind) : nullptr;
  if (track && track->pad) track = nullptr;
  const videocall::gst::KeyframeRequests requests =
      videocall::gst::depay_take_requests(self);
  priv->wake();
  const GstFlowReturn flow = combined_flow(priv);
  guard.unlock();

  if (warn) {
    GST_ELEMENT_WARNING(self, STREAM, DECRYPT_NOKEY,
                        ("Encrypted media is dropped: put sframedec before "
                         "the depayloader."),
                        (nullptr));
  }
  if (track) videocall::gst::depay_add_pad(self, *track, fields.header);
  videocall::gst::depay_send_requests(self, requests);
  return flow;
}

template <typename Function>
static void for_each_pad(Private* priv, Function&& function) {
  std::vector<videocall::gst::ObjectPtr<GstPad>> pads;
  {
    const std::lock_guard guard(priv->lock);
    for (const Track& track : priv->tracks) {
      if (track.pad) pads.emplace_back(GST_PAD(gst_object_ref(track.pad)));
    }
  }
  for (const auto& pad : pads) function(pad.get());
}

static void flush_start(Private* priv, GstEvent* event) {
  {
    const std::lock_guard guard(priv->lock);
    priv->stopping = true;
    for (Track& track : priv->tracks) track.flushing = true;
    priv->wake();
  }
  for_each_pad(priv, [event](GstPad* pad) {
    gst_pad_push_event(pad, gst_event_ref(event));
    gst_pad_pause_task(pad);
  });
}

static void flush_stop(Private* priv, GstEvent* event) {
  for_each_pad(priv, [event](GstPad* pad) {
    gst_pad_push_event(pad, gst_event_ref(event));
  });
  {
    const std::lock_guard guard(priv->lock);
    priv->stopping = false;
    priv->eos = false;
    priv->receiver.reset();
    for (Track& track : priv->tracks) {
      track.flushing = false;
      track.flow = GST_FLOW_OK;
      track.segment_sent = false;
      track.discont = true;
    }
  }
  for_each_pad(priv, [](GstPad* pad) {
    gst_pad_start_task(pad, videocall::gst::depay_track_loop, pad, nullptr);
  });
}

static gboolean gst_videocall_depay_sink_event(GstPad* pad, GstObject* parent,
                                               GstEvent* event) {
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(parent);
  Private* priv = self->priv;
  videocall::gst::EventPtr owned(event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_STREAM_START: {
      const gchar* id = nullptr;
      gst_event_parse_stream_start(event, &id);
      const std::lock_guard guard(priv->lock);
      priv->stream_id = id ? id : "videocall";
      return TRUE;
    }
    case GST_EVENT_FLUSH_START:
      flush_start(priv, event);
      return TRUE;
    case GST_EVENT_FLUSH_STOP:
      flush_stop(priv, event);
      return TRUE;
    case GST_EVENT_EOS: {
      // Each task ends its own track, after the frames that are left.
      const std::lock_guard guard(priv->lock);
      priv->eos = true;
      if (priv->receiver) priv->receiver->drain();
      priv->wake();
      return TRUE;
    }
    case GST_EVENT_CAPS:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_GAP:
    case GST_EVENT_TAG:
      return TRUE;  // of packets; the tracks have their own
    default:
      return gst_pad_event_default(pad, parent, owned.release());
  }
}

// -- Properties

static void set_latency(GstVideocallDepay* self, guint latency_ms) {
  Private* priv = self->priv;
  {
    const std::lock_guard guard(priv->lock);
    if (priv->latency_ms == latency_ms) return;
    priv->latency_ms = latency_ms;
    if (priv->receiver)
      priv->receiver->set_latency_us(int64_t{latency_ms} * 1000);
    priv->wake();
  }
  gst_element_post_message(GST_ELEMENT(self),
                           gst_message_new_latency(GST_OBJECT(self)));
}

static void gst_videocall_depay_set_property(GObject* object, guint id,
                                             const GValue* value,
                                             GParamSpec* pspec) {
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(object);
  if (id == PROP_LATENCY) {
    set_latency(self, g_value_get_uint(value));
  } else {
    G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

static void gst_videocall_depay_get_property(GObject* object, guint id,
                                             GValue* value, GParamSpec* pspec) {
  Private* priv = GST_VIDEOCALL_DEPAY(object)->priv;
  switch (id) {
    case PROP_LATENCY: {
      const std::lock_guard guard(priv->lock);
      g_value_set_uint(value, priv->latency_ms);
      break;
    }
    case PROP_STATS:
      g_value_take_boxed(value, videocall::gst::depay_stats(*priv));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

// -- State and class

static void remove_pads(GstVideocallDepay* self) {
  Private* priv = self->priv;
  for (Track& track : priv->tracks) {
    GstPad* pad = nullptr;
    {
      const std::lock_guard guard(priv->lock);
      pad = std::exchange(track.pad, nullptr);
    }
    if (!pad) continue;
    gst_pad_set_active(pad, FALSE);  // ends its task, if it still runs
    gst_element_remove_pad(GST_ELEMENT(self), pad);
    track.codec.clear();
  }
  const std::lock_guard guard(priv->lock);
  priv->receiver.reset();
  priv->eos = false;
  priv->told_encrypted = false;
  priv->encrypted = priv->malformed = priv->ignored = 0;
}

static void set_running(Private* priv, GstStateChange transition) {
  const std::lock_guard guard(priv->lock);
  switch (transition) {
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      priv->stopping = false;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_PLAYING:
      priv->playing = true;
      break;
    case GST_STATE_CHANGE_PLAYING_TO_PAUSED:
      priv->playing = false;
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      priv->stopping = true;
      break;
    default:
      return;
  }
  priv->wake();
}

static GstStateChangeReturn gst_videocall_depay_change_state(
    GstElement* element, GstStateChange transition) {
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(element);
  set_running(self->priv, transition);
  const GstStateChangeReturn result =
      GST_ELEMENT_CLASS(parent_class)->change_state(element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) remove_pads(self);
  return result;
}

static void gst_videocall_depay_init(GstVideocallDepay* self) {
  Private* priv = self->priv = new Private;
  const auto describe = [](Track& track, MediaKind kind, const char* name,
                           GstStaticPadTemplate& pad_template) {
    track.kind = kind;
    track.name = name;
    track.pad_template = &pad_template;
  };
  describe(priv->tracks[0], MediaKind::video, "video", video_template);
  describe(priv->tracks[1], MediaKind::audio, "audio", audio_template);
  describe(priv->tracks[2], MediaKind::screen, "screen", screen_template);
  priv->sinkpad = gst_pad_new_from_static_template(&sink_template, "sink");
  gst_pad_set_chain_function(priv->sinkpad, gst_videocall_depay_chain);
  gst_pad_set_event_function(priv->sinkpad, gst_videocall_depay_sink_event);
  gst_element_add_pad(GST_ELEMENT(self), priv->sinkpad);
}

static void gst_videocall_depay_finalize(GObject* object) {
  delete GST_VIDEOCALL_DEPAY(object)->priv;
  G_OBJECT_CLASS(parent_class)->finalize(object);
}

static void gst_videocall_depay_class_init(GstVideocallDepayClass* klass) {
  auto* gobject_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  gobject_class->set_property = gst_videocall_depay_set_property;
  gobject_class->get_property = gst_videocall_depay_get_property;
  gobject_class->finalize = gst_videocall_depay_finalize;
  g_object_class_install_property(
      gobject_class, PROP_LATENCY,
      g_param_spec_uint(
          "latency", "Latency",
          "How long a frame may be waited for, in milliseconds "
          "(0 = frames come out as they come)",
          0, kMaxLatencyMs, Private::kDefaultLatencyMs,
          static_cast<GParamFlags>(G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                                   GST_PARAM_MUTABLE_PLAYING)));
  g_object_class_install_property(
      gobject_class, PROP_STATS,
      g_param_spec_boxed(
          "stats", "Statistics",
          "Counters since the element was started, in all and "
          "per track",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  element_class->change_state = gst_videocall_depay_change_state;
  for (auto* pad_template :
       {&sink_template, &video_template, &audio_template, &screen_template})
    gst_element_class_add_static_pad_template(element_class, pad_template);
  gst_element_class_set_static_metadata(
      element_class, "videocall depayloader", "Codec/Depayloader/Network",
      "Takes the video and audio of one remote session out of its packets, in "
      "order and in sync",
      "The videocall authors");
}
