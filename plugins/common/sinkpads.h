// SPDX-License-Identifier: MIT
// The request pads "sink_%u" of a sink, and when it has ended: once all of
// them have. Of an element that derives GstElement and whose streaming never
// waits for the clock. Any thread.
#pragma once

#include <gst/gst.h>

#include <mutex>
#include <set>

namespace videocall {

class SinkPads {
 public:
  struct Functions {
    GstPadChainFunction chain;
    GstPadChainListFunction chain_list;
    GstPadEventFunction event;
  };
  // |element| is borrowed and owns this.
  explicit SinkPads(GstElement* element) : element_(element) {}

  // For request_new_pad: an active pad of |element|; null if |name| is no
  // sink_%u or taken.
  GstPad* request(GstPadTemplate* templ, const char* name,
                  const Functions& functions);
  // For release_pad. Those that are left may all have ended.
  void release(GstPad* pad);

  // What each event of |pad| means for the end; the caller keeps |event|.
  void meet(GstPad* pad, GstEvent* event);
  // READY to PAUSED: none has ended.
  void reset();

 private:
  void post_eos_if_all_ended();

  GstElement* const element_;
  std::mutex mutex_;         // guards what follows
  std::set<GstPad*> ended_;  // got EOS
  guint next_ = 0;
  bool posted_ = false;
  guint32 seqnum_ = GST_SEQNUM_INVALID;  // of the last EOS
};

}  // namespace videocall
