// SPDX-License-Identifier: MIT
// The capture clock of a publisher: the monotonic clock, the same for all
// payloaders of a pipeline (lip sync) and going on from one pipeline to the
// next (see first_number() in libvideocall/media/packetizer.h).
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <cstdint>

namespace videocall::gst {

// States change on the application's thread, frames come on a streaming
// thread; all calls are safe against each other.
class CaptureClock {
 public:
  // READY to PAUSED.
  void paused();
  // PAUSED to PLAYING, once |element| has its clock and base time.
  void playing(GstElement* element);
  // Microseconds of the monotonic clock at |element|'s |running| time, ns.
  uint64_t capture_us(GstElement* element, gint64 running);

 private:
  // What to add to base time plus running time, which is the pipeline clock's
  // time, to get to the monotonic clock.
  std::atomic<GstClockTimeDiff> shift_{0};
  std::atomic<bool> known_{false};
  std::atomic<GstClockTime> paused_at_{0};
  std::atomic<bool> prerolled_{false};  // frames came before PLAYING
};

}  // namespace videocall::gst
