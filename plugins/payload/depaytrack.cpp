// SPDX-License-Identifier: MIT
// The tracks' side of videocalldepay: each pad's task takes the frames of its
// track when they are due and pushes them.
#include <gst/video/video.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "plugins/common/gstptr.h"
#include "plugins/payload/depaystate.h"
#include "plugins/payload/keyframerequest.h"
#include "plugins/payload/trackcaps.h"

#define GST_CAT_DEFAULT gst_videocall_depay_debug

namespace videocall::gst {
namespace {

using Private = DepayState;
using Track = DepayTrack;

constexpr int64_t kMinWaitUs = 1'000;

}  // namespace

// -- Time

int64_t depay_now_us(GstVideocallDepay* self) {
  GstElement* element = GST_ELEMENT(self);
  if (self->priv->playing) {
    const ObjectPtr<GstClock> clock(gst_element_get_clock(element));
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

// Waits until |track| may have something to take, or wake().
static void wait_for(GstVideocallDepay* self, Track& track,
                     std::unique_lock<std::mutex>& guard) {
  Private* priv = self->priv;
  std::optional<int64_t> next_us;
  if (priv->receiver && priv->playing)
    next_us = priv->receiver->next_pop_us(track.kind);
  const ObjectPtr<GstClock> clock(
      next_us ? gst_element_get_clock(GST_ELEMENT(self)) : nullptr);
  if (!clock) {
    priv->changed.wait(guard);
    return;
  }
  const int64_t until_us = std::max(*next_us, depay_now_us(self) + kMinWaitUs);
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

KeyframeRequests depay_take_requests(GstVideocallDepay* self) {
  KeyframeRequests requests;
  if (!self->priv->receiver) return requests;
  const int64_t now = depay_now_us(self);
  while (auto request = self->priv->receiver->take_keyframe_request(now))
    requests.push_back(*request);
  return requests;
}

void depay_send_requests(GstVideocallDepay* self,
                         const KeyframeRequests& requests) {
  for (const auto& request : requests) {
    GST_DEBUG_OBJECT(self, "asking for a key frame of kind %u, layer %u",
                     static_cast<guint>(request.kind), request.layer);
    gst_pad_push_event(self->priv->sinkpad,
                       keyframe_request_new(
                           {request.session_id, request.kind, request.layer}));
  }
}

// -- A track's task

static void drop_packet(gpointer packet) {
  PacketRef::adopt(static_cast<Packet*>(packet));
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
  const Bytes payload = frame.payload;
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
  const MediaHeader& header = frame.header();
  if (!header.keyframe) return !track.codec.empty();
  if (track.codec == header.codec && track.width == header.width &&
      track.height == header.height)
    return true;
  const auto caps = track_caps(header.codec, header.width, header.height);
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

void depay_track_loop(gpointer user_data) {
  GstPad* pad = GST_PAD(user_data);
  auto* track = static_cast<Track*>(gst_pad_get_element_private(pad));
  GstVideocallDepay* self = GST_VIDEOCALL_DEPAY(GST_PAD_PARENT(pad));
  Private* priv = self->priv;
  std::unique_lock guard(priv->lock);
  std::optional<ReceivedFrame> frame;
  while (!track->flushing && !frame) {
    if (priv->receiver)
      frame = priv->receiver->pop(track->kind, depay_now_us(self));
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
  const KeyframeRequests requests = depay_take_requests(self);
  const bool skip = track->kind != MediaKind::audio && track->interrupted &&
                    !frame->header().keyframe;
  guard.unlock();

  depay_send_requests(self, requests);
  if (skip) return;
  const GstFlowReturn flow = push_frame(self, *track, pad, std::move(*frame));
  if (flow != GST_FLOW_OK) track->discont = true;
  note_flow(self, *track, flow);
}

// -- Source pads

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
    priv->wake();
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
      requests = depay_take_requests(self);
    }
  }
  depay_send_requests(self, requests);
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

void depay_add_pad(GstVideocallDepay* self, Track& track,
                   const MediaHeader& header) {
  Private* priv = self->priv;
  const bool audio = track.kind == MediaKind::audio;
  const auto caps = audio
                        ? track_caps("opus", 0, 0)
                        : track_caps(header.codec, header.width, header.height);
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
  gst_pad_start_task(pad, depay_track_loop, pad, nullptr);
}

}  // namespace videocall::gst
