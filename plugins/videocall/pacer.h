// SPDX-License-Identifier: MIT
// Holds back frames whose time has not come, as a sink that synchronises to the
// clock does: a file goes out at the pace at which it plays. Live frames come
// late by nature and are never held.
#pragma once

#include <gst/gst.h>

#include <condition_variable>
#include <mutex>

namespace videocall::gst {

// One per pad; wait() on its streaming thread, the rest from any.
class Pacer {
 public:
  // Waits until the running time of |element| is |running_time|; not at all
  // without one. Before PLAYING it waits for that. False: stopped.
  bool wait(GstElement* element, GstClockTime running_time);

  void set_playing(bool playing);
  // Ends all waiting until it is called with false.
  void set_flushing(bool flushing);

 private:
  std::mutex lock_;  // guards what follows
  std::condition_variable changed_;
  bool playing_ = false;
  bool flushing_ = true;
  GstClockID id_ = nullptr;  // owned by wait()
};

}  // namespace videocall::gst
