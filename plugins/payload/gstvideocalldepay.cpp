// SPDX-License-Identifier: MIT
// Packets come in on the upstream's thread, which only sorts them in and never
// waits for anything downstream (but for a file that is read faster than it is
// played). Each track has a streaming thread of its own, its pad's task, so
// that a decoder that blocks holds up nobody else.
#include "plugins/payload/gstvideocalldepay.h"

#include <gst/video/video.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libvideocall/media/session_receiver.h"
#include "plugins/common/gstptr.h"
#include "plugins/common/gstvideocallpacketmeta.h"
#include "plugins/payload/keyframerequest.h"
#include "plugins/payload/trackcaps.h"

GST_DEBUG_CATEGORY_STATIC(gst_videocall_depay_debug);
#define GST_CAT_DEFAULT gst_videocall_depay_debug

using videocall::ClockMap;
using videocall::MediaKind;
using videocall::PacketRef;
using videocall::ReceivedFrame;
using videocall::SessionReceiver;

namespace {

constexpr guint kDefaultLatencyMs = 100;
constexpr guint kMaxLatencyMs = 10'000;
// What may wait for a track when packets come faster than they are played;
// more while another track has nothing, since its packets may be behind.
constexpr size_t kMaxWaiting = 32;
constexpr size_t kMaxWaitingForOthers = 512;
constexpr int64_t kMinWaitUs = 1'000;

enum Property { PROP_0, PROP_LATENCY, PROP_STATS };

struct Track {
  MediaKind kind = MediaKind::unspecified;
  const char* name = nullptr;
  GstStaticPadTemplate* pad_template = nullptr;

  // guarded by Private::lock
  GstPad* pad = nullptr;  // borrowed (owned by the element)
  bool flushing = false;
  GstClockID wait = nullptr;  // owned; what the task waits for
  GstFlowReturn flow = GST_FLOW_OK;
  // Nobody took the frames: the next one to try is a key frame.
  bool interrupted = false;

  // state of the track's task
  std::string codec;
  guint width = 0;
  guint height = 0;
  bool segment_sent = false;
  bool discont = false;
};

struct Private {
  GstPad* sinkpad = nullptr;  // borrowed (owned by the element)

  // Guards all below; never held while anything is pushed or posted.
  std::mutex lock;
  std::condition_variable changed;
  guint latency_ms = kDefaultLatencyMs;
  std::array<Track, 3> tracks;
  std::unique_ptr<SessionReceiver> receiver;  // from the first packet on
  std::string stream_id;
  bool playing = false;
  bool stopping = false;  // or flushing: nobody waits
  bool eos = false;
  bool told_encrypted = false;
  guint64 encrypted = 0;
  guint64 malformed = 0;
  guint64 ignored = 0;

  Track& track(MediaKind kind) {
    return *std::find_if(tracks.begin(), tracks.end(),
                         [kind](const Track& it) { return it.kind == kind; });
  }
};

using KeyframeRequests = std::vector<SessionReceiver::KeyframeRequest>;

}  // namespace

struct _GstVideocallDepay {
  GstElement parent;
  Private* priv;
};

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

// -- Time
// ----------------------------------------------------------------------

// Running time; before PLAYING 0, while paused where it stopped.
static int64_t now_us(GstVideocallDepay* self) {
  GstElement* element = GST_ELEMENT(self);
  if (self->priv->playing) {
    const videocall::gst::ObjectPtr<GstClock> clock(
        gst_element_get_clock(element));
    if (clock) {
      return GST_CLOCK_DIFF(gst_element_get_base_time(element),
                            gst_clock_get_time(clock.get())) /
             1000;
    }
  }
  const GstClockTime paused = gst_element_get_start_time(element);
  return GST_CLOCK_TIME_IS_VALID(paused) ? static_cast<int64_t>(paused / 1000)
                                         : 0;
}

// Ends all waiting; whoever waited looks again.
static void wake(Private* priv) {
  for (const Track& track : priv->tracks) {
    if (track.wait) gst_clock_id_unschedule(track.wait);
  }
  priv->changed.notify_all();
}

// Waits until |track| may have something to take, or wake().
static void wait_for(GstVideocallDepay* self, Track& track,
                     std::unique_lock<std::mutex>& guard) {
  Private* priv = self->priv;
  std::optional<int64_t> next_us;
  if (priv->receiver && priv->playing)
    next_us = priv->receiver->next_pop_us(track.kind);
  const videocall::gst::ObjectPtr<GstClock> clock(
      next_us ? gst_element_get_clock(GST_ELEMENT(self)) : nullptr);
  if (!clock) {
    priv->changed.wait(guard);
    return;
  }
  const int64_t until_us = std::max(*next_us, now_us(self) + kMinWaitUs);
  track.wait = gst_clock_new_single_shot_id(
      clock.get(), gst_element_get_base_time(GST_ELEMENT(self)) +
                       static_cast<GstClockTime>(until_us) * 1000);
  GstClockID wait = track.wait;
  guard.unlock();
  gst_clock_id_wait(wait, nullptr);
  guard.lock();
  track.wait = nullptr;
  gst_clock_id_unref(wait);
}

// -- Key frames
// ------------------------------------------------------------------

static KeyframeRequests take_requests(GstVideocallDepay* self) {
  KeyframeRequests requests;
  if (!self->priv->receiver) return requests;
  const int64_t now = now_us(self);
  while (auto request = self->priv->receiver->take_keyframe_request(now))
    requests.push_back(*request);
  return requests;
}

static void send_requests(GstVideocallDepay* self,
                          const KeyframeRequests& requests) {
  for (const auto& request : requests) {
    GST_DEBUG_OBJECT(self, "asking for a key frame of kind %u, layer %u",
                     static_cast<guint>(request.kind), request.layer);
    gst_pad_push_event(self->priv->sinkpad,
                       videocall::gst::keyframe_request_new(
                           {request.session_id, request.kind, request.layer}));
  }
}

// -- A track's task
// ----------------------------------------------------------------

static void drop_packet(gpointer packet) {
  PacketRef::adopt(static_cast<videocall::Packet*>(packet));
}

static GstBuffer* frame_buffer(Track& track, ReceivedFrame& frame) {
  GstBuffer* buffer = gst_buffer_new();
  GST_BUFFER_PTS(buffer) =
      static_cast<GstClockTime>(std::max<int64_t>(frame.local_us, 0)) * 1000;
  if (frame.duration_us > 0)
    GST_BUFFER_DURATION(buffer) = frame.duration_us * 1000;
  if (track.kind != MediaKind::audio && !frame.header().keyframe)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (frame.discont || track.discont)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DISCONT);
  if (frame.decode_only)
    GST_BUFFER_FLAG_SET(buffer, GST_BUFFER_FLAG_DECODE_ONLY);
  track.discont = false;
  const videocall::Bytes payload = frame.payload;
  // The payload stays where it came in: within its packet.
  gst_buffer_append_memory(
      buffer, gst_memory_new_wrapped(GST_MEMORY_FLAG_READONLY,
                                     const_cast<uint8_t*>(payload.data()),
                                     payload.size(), 0, payload.size(),
                                     frame.packet.release(), drop_packet));
  return buffer;
}

// Sends caps when the frame says so, false if nothing can decode it.
static bool update_caps(GstVideocallDepay* self, Track& track, GstPad* pad,
                        const ReceivedFrame& frame) {
  if (track.kind == MediaKind::audio) return true;
  const videocall::MediaHeader& header = frame.header();
  if (!header.keyframe) return !track.codec.empty();
  if (track.codec == header.codec && track.width == header.width &&
      track.height == header.height)
    return true;
  const auto caps =
      videocall::gst::track_caps(header.codec, header.width, header.height);
  if (!caps) {
    GST_WARNING_OBJECT(pad, "unknown codec '%.*s': its frames are discarded",
                       static_cast<int>(header.codec.size()),
                       header.codec.data());
    track.codec.clear();
    return false;
  }
  GST_INFO_OBJECT(self, "%s is now %" GST_PTR_FORMAT, track.name, caps.get());
  track.codec = header.codec;
  track.width = header.width;
  track.height = header.height;
  gst_pad_push_event(pad, gst_event_new_caps(caps.get()));
  return true;
}

static void push_gap(Track& track, GstPad* pad, const ReceivedFrame& frame) {
  if (frame.missing == 0 || track.kind != MediaKind::audio) return;
  const int64_t length_us = int64_t{frame.missing} * 20'000;
  const int64_t start_us = frame.local_us - length_us;
  if (start_us < 0) return;
  gst_pad_push_event(
      pad, gst_event_new_gap(static_cast<GstClockTime>(start_us) * 1000,
                             static_cast<GstClockTime>(length_us) * 1000));
}

static GstFlowReturn push_frame(GstVideocallDepay* self, Track& track,
                                GstPad* pad, ReceivedFrame frame) {
  if (!update_caps(self, track, pad, frame)) return GST_FLOW_NOT_NEGOTIATED;
  if (!track.segment_sent) {
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(pad, gst_event_new_segment(&segment));
    track.segment_sent = true;
  }
  push_gap(track, pad, frame);
  return gst_pad_push(pad, frame_buffer(track, frame));
}

// What a pad's push came to concerns that pad alone. Called without the lock.
static void note_flow(GstVideocallDepay* self, Track& track,
                      GstFlowReturn flow) {
  GstFlowReturn before = GST_FLOW_OK;
  {
    const std::lock_guard guard(self->priv->lock);
    before = std::exchange(track.flow, flow);
    track.interrupted = flow != GST_FLOW_OK;
  }
  if (flow == before || flow == GST_FLOW_OK) return;
  GST_DEBUG_OBJECT(self, "%s is discarded: %s", track.name,
                   gst_flow_get_name(flow));
  // Who posted no error of his own leaves a user without a picture and
  // without a reason; the other tracks go on, so this is no error here.
  if (flow == GST_FLOW_NOT_NEGOTIATED) {
    GST_ELEMENT_WARNING(self, STREAM, FORMAT,
                        ("What is linked to pad %s cannot take its format; "
                         "the track is discarded.",
                         track.name),
                        (nullptr));
  }
}

static void gst_videocall_depay_loop(gpointer user_data) {
  GstPad* pad = GST_PAD(user_data);
  auto* track = static_cast<Track*>(gst_pad_get_element_private(pad));
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(GST_PAD_PARENT(pad));
  Private* priv = self->priv;
  std::unique_lock guard(priv->lock);
  std::optional<ReceivedFrame> frame;
  while (!track->flushing && !frame) {
    if (priv->receiver) frame = priv->receiver->pop(track->kind, now_us(self));
    if (frame) break;
    if (priv->eos) {
      guard.unlock();
      gst_pad_push_event(pad, gst_event_new_eos());
      gst_pad_pause_task(pad);
      return;
    }
    wait_for(self, *track, guard);
  }
  if (track->flushing) {
    guard.unlock();
    gst_pad_pause_task(pad);
    return;
  }
  priv->changed.notify_all();  // there is room again
  const KeyframeRequests requests = take_requests(self);
  const bool skip = track->kind != MediaKind::audio && track->interrupted &&
                    !frame->header().keyframe;
  guard.unlock();

  send_requests(self, requests);
  if (skip) return;
  const GstFlowReturn flow = push_frame(self, *track, pad, std::move(*frame));
  if (flow != GST_FLOW_OK) track->discont = true;
  note_flow(self, *track, flow);
}

// -- Source pads
// -------------------------------------------------------------------

static gboolean gst_videocall_depay_src_activate(GstPad* pad, GstObject* parent,
                                                 GstPadMode mode,
                                                 gboolean active) {
  if (mode != GST_PAD_MODE_PUSH) return FALSE;
  if (active) return TRUE;  // the task starts when the pad is there for all
  Private* priv = GST_VIDEOCALL_DEPAY(parent)->priv;
  auto* track = static_cast<Track*>(gst_pad_get_element_private(pad));
  {
    const std::lock_guard guard(priv->lock);
    track->flushing = true;
    wake(priv);
  }
  return gst_pad_stop_task(pad);
}

static gboolean gst_videocall_depay_src_event(GstPad* pad, GstObject* parent,
                                              GstEvent* event) {
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(parent);
  Private* priv = self->priv;
  auto* track = static_cast<Track*>(gst_pad_get_element_private(pad));
  const bool wanted = gst_video_event_is_force_key_unit(event);
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEEK:
    case GST_EVENT_STEP:
      gst_event_unref(event);  // one cannot seek in a call
      return FALSE;
    case GST_EVENT_QOS:
    case GST_EVENT_LATENCY:
      // They speak of one track's decoder; the packets are not its alone.
      gst_event_unref(event);
      return TRUE;
    case GST_EVENT_RECONFIGURE:
      break;
    default:
      if (!wanted) return gst_pad_event_default(pad, parent, event);
  }
  gst_event_unref(event);
  KeyframeRequests requests;
  {
    const std::lock_guard guard(priv->lock);
    // Linked anew in the middle of a group: what is there cannot be decoded.
    if ((wanted || track->interrupted) && priv->receiver) {
      priv->receiver->want_keyframe(track->kind);
      requests = take_requests(self);
    }
  }
  send_requests(self, requests);
  return TRUE;
}

static gboolean gst_videocall_depay_src_query(GstPad* pad, GstObject* parent,
                                              GstQuery* query) {
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(parent);
  Private* priv = self->priv;
  if (GST_QUERY_TYPE(query) != GST_QUERY_LATENCY)
    return gst_pad_query_default(pad, parent, query);
  gboolean live = TRUE;
  GstClockTime min = 0;
  GstClockTime max = GST_CLOCK_TIME_NONE;
  if (gst_pad_peer_query(priv->sinkpad, query))
    gst_query_parse_latency(query, &live, &min, &max);
  if (live) {
    const std::lock_guard guard(priv->lock);
    const GstClockTime latency = priv->latency_ms * GST_MSECOND;
    min += latency;
    if (GST_CLOCK_TIME_IS_VALID(max)) max += latency;
  }
  gst_query_set_latency(query, live, min, max);
  return TRUE;
}

static GstPad* new_pad(Track& track) {
  GstPad* pad =
      gst_pad_new_from_static_template(track.pad_template, track.name);
  gst_pad_set_element_private(pad, &track);
  gst_pad_set_activatemode_function(pad, gst_videocall_depay_src_activate);
  gst_pad_set_event_function(pad, gst_videocall_depay_src_event);
  gst_pad_set_query_function(pad, gst_videocall_depay_src_query);
  gst_pad_use_fixed_caps(pad);
  return pad;
}

// On the first frame of a track that can be decoded. |header| is its.
static void add_pad(GstVideocallDepay* self, Track& track,
                    const videocall::MediaHeader& header) {
  Private* priv = self->priv;
  const bool audio = track.kind == MediaKind::audio;
  const auto caps = audio ? videocall::gst::track_caps("opus", 0, 0)
                          : videocall::gst::track_caps(
                                header.codec, header.width, header.height);
  if (!caps) return;
  GstPad* pad = new_pad(track);
  std::string stream_id;
  {
    const std::lock_guard guard(priv->lock);
    if (priv->stopping) {
      gst_object_unref(pad);
      return;
    }
    track.pad = pad;
    track.flushing = false;
    track.flow = GST_FLOW_OK;
    track.interrupted = false;
    track.codec = header.codec;
    track.width = header.width;
    track.height = header.height;
    track.segment_sent = false;
    track.discont = true;
    stream_id = priv->stream_id + "/" + track.name;
  }
  gst_pad_set_active(pad, TRUE);
  gst_pad_push_event(pad, gst_event_new_stream_start(stream_id.c_str()));
  gst_pad_push_event(pad, gst_event_new_caps(caps.get()));
  GST_INFO_OBJECT(self, "new track %s: %" GST_PTR_FORMAT, track.name,
                  caps.get());
  gst_element_add_pad(GST_ELEMENT(self), pad);
  gst_pad_start_task(pad, gst_videocall_depay_loop, pad, nullptr);
}

// -- Sink pad
// ------------------------------------------------------------------------

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
  const auto outcome = priv->receiver->push(packet, now_us(self));
  const bool warn = count_outcome(priv, outcome);
  const bool starts =
      outcome == SessionReceiver::Outcome::accepted &&
      (fields.kind == MediaKind::audio || fields.header.keyframe);
  Track* track = starts ? &priv->track(fields.kind) : nullptr;
  if (track && track->pad) track = nullptr;
  const KeyframeRequests requests = take_requests(self);
  wake(priv);
  const GstFlowReturn flow = combined_flow(priv);
  guard.unlock();

  if (warn) {
    GST_ELEMENT_WARNING(self, STREAM, DECRYPT_NOKEY,
                        ("Encrypted media is dropped: put sframedec before "
                         "the depayloader."),
                        (nullptr));
  }
  if (track) add_pad(self, *track, fields.header);
  send_requests(self, requests);
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
    wake(priv);
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
    gst_pad_start_task(pad, gst_videocall_depay_loop, pad, nullptr);
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
      wake(priv);
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
// ------------------------------------------------------------------

static void set_latency(GstVideocallDepay* self, guint latency_ms) {
  Private* priv = self->priv;
  {
    const std::lock_guard guard(priv->lock);
    if (priv->latency_ms == latency_ms) return;
    priv->latency_ms = latency_ms;
    if (priv->receiver)
      priv->receiver->set_latency_us(int64_t{latency_ms} * 1000);
    wake(priv);
  }
  gst_element_post_message(GST_ELEMENT(self),
                           gst_message_new_latency(GST_OBJECT(self)));
}

static GstStructure* track_stats(const Track& track,
                                 const videocall::TrackStats& stats) {
  return gst_structure_new(
      track.name, "received", G_TYPE_UINT64, guint64{stats.received}, "bytes",
      G_TYPE_UINT64, guint64{stats.bytes}, "delivered", G_TYPE_UINT64,
      guint64{stats.delivered}, "lost", G_TYPE_UINT64, guint64{stats.lost},
      "skipped", G_TYPE_UINT64, guint64{stats.skipped}, "recovered",
      G_TYPE_UINT64, guint64{stats.recovered}, "late", G_TYPE_UINT64,
      guint64{stats.late}, "duplicate", G_TYPE_UINT64, guint64{stats.duplicate},
      "discarded", G_TYPE_UINT64, guint64{stats.discarded}, "keyframe-requests",
      G_TYPE_UINT64, guint64{stats.keyframe_requests}, "jitter-ms",
      G_TYPE_DOUBLE, stats.jitter_us / 1000, nullptr);
}

static GstStructure* all_stats(Private* priv) {
  const std::lock_guard guard(priv->lock);
  videocall::TrackStats total;
  GstStructure* all = gst_structure_new(
      "videocalldepay-stats", "encrypted", G_TYPE_UINT64, priv->encrypted,
      "malformed", G_TYPE_UINT64, priv->malformed, "ignored", G_TYPE_UINT64,
      priv->ignored, nullptr);
  for (const Track& track : priv->tracks) {
    if (!priv->receiver) break;
    const videocall::TrackStats& stats = priv->receiver->stats(track.kind);
    total.received += stats.received;
    total.lost += stats.lost;
    total.recovered += stats.recovered;
    total.late += stats.late;
    total.jitter_us = std::max(total.jitter_us, stats.jitter_us);
    if (stats.received == 0) continue;
    GstStructure* part = track_stats(track, stats);
    gst_structure_set(all, track.name, GST_TYPE_STRUCTURE, part, nullptr);
    gst_structure_free(part);
  }
  gst_structure_set(all, "received", G_TYPE_UINT64, guint64{total.received},
                    "lost", G_TYPE_UINT64, guint64{total.lost}, "recovered",
                    G_TYPE_UINT64, guint64{total.recovered}, "late",
                    G_TYPE_UINT64, guint64{total.late}, "jitter-ms",
                    G_TYPE_DOUBLE, total.jitter_us / 1000, nullptr);
  return all;
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
      g_value_take_boxed(value, all_stats(priv));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
  }
}

// -- State and class
// ---------------------------------------------------------------

static void remove_pads(GstVideocallDepay* self) {
  Private* priv = self->priv;
  std::vector<GstPad*> pads;
  {
    const std::lock_guard guard(priv->lock);
    for (Track& track : priv->tracks) {
      if (track.pad) pads.push_back(std::exchange(track.pad, nullptr));
      track.codec.clear();
    }
    priv->receiver.reset();
    priv->eos = false;
    priv->told_encrypted = false;
    priv->encrypted = priv->malformed = priv->ignored = 0;
  }
  for (GstPad* pad : pads) {
    gst_pad_set_active(pad, FALSE);
    gst_element_remove_pad(GST_ELEMENT(self), pad);
  }
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
  wake(priv);
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
          0, kMaxLatencyMs, kDefaultLatencyMs,
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
      "videocall");
}
