// SPDX-License-Identifier: MIT
// What the files of videocalldepay share: its state, and the tracks' side
// (depaytrack.cpp) for the packets' side (gstvideocalldepay.cpp).
#pragma once

#include <algorithm>
#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libvideocall/media/session_receiver.h"
#include "plugins/payload/gstvideocalldepay.h"

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_depay_debug);

namespace videocall::gst {

// One remote track and its pad. |pad| belongs to one task.
struct DepayTrack {
  MediaKind kind = MediaKind::unspecified;
  const char* name = nullptr;
  GstStaticPadTemplate* pad_template = nullptr;

  // guarded by DepayState::lock
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

struct DepayState {
  static constexpr guint kDefaultLatencyMs = 100;

  GstPad* sinkpad = nullptr;  // borrowed (owned by the element)

  // Guards all below; never held while anything is pushed or posted.
  std::mutex lock;
  std::condition_variable changed;
  guint latency_ms = kDefaultLatencyMs;
  std::array<DepayTrack, 3> tracks;
  std::unique_ptr<SessionReceiver> receiver;  // from the first packet on
  std::string stream_id;
  bool playing = false;
  bool stopping = false;  // or flushing: nobody waits
  bool eos = false;
  bool told_encrypted = false;
  guint64 encrypted = 0;
  guint64 malformed = 0;
  guint64 ignored = 0;

  DepayTrack& track(MediaKind kind) {
    return *std::find_if(
        tracks.begin(), tracks.end(),
        [kind](const DepayTrack& it) { return it.kind == kind; });
  }

  // Ends all waiting; whoever waited looks again.
  void wake() {
    for (const DepayTrack& track : tracks) {
      if (track.wait) gst_clock_id_unschedule(track.wait);
    }
    changed.notify_all();
  }
};

}  // namespace videocall::gst

struct _GstVideocallDepay {
  GstElement parent;
  videocall::gst::DepayState* priv;
};

namespace videocall::gst {

using KeyframeRequests = std::vector<SessionReceiver::KeyframeRequest>;

// Running time in microseconds; before PLAYING 0, while paused where it
// stopped. Called with the lock.
int64_t depay_now_us(GstVideocallDepay* self);

// What is to be asked upstream now; called with the lock. Sent without it.
KeyframeRequests depay_take_requests(GstVideocallDepay* self);
void depay_send_requests(GstVideocallDepay* self,
                         const KeyframeRequests& requests);

// Adds the pad of |track| and starts its task, on the first frame that can be
// decoded; |header| is its. Called without the lock, on the packets' thread.
void depay_add_pad(GstVideocallDepay* self, DepayTrack& track,
                   const MediaHeader& header);

// The task of a track's pad, which is |user_data|.
void depay_track_loop(gpointer user_data);

// The property `stats`; takes the lock. Owned by the caller.
GstStructure* depay_stats(DepayState& state);

}  // namespace videocall::gst
