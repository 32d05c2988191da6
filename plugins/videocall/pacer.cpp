// SPDX-License-Identifier: MIT
#include "plugins/videocall/pacer.h"

#include "plugins/common/gstptr.h"

namespace videocall::gst {

bool Pacer::wait(GstElement* element, GstClockTime running_time) {
  std::unique_lock guard(lock_);
  for (;;) {
    changed_.wait(guard, [this] { return playing_ || flushing_; });
    if (flushing_) return false;
    if (!GST_CLOCK_TIME_IS_VALID(running_time)) return true;
    const ObjectPtr<GstClock> clock(gst_element_get_clock(element));
    if (!clock) return true;
    GstClockID id = gst_clock_new_single_shot_id(
        clock.get(), gst_element_get_base_time(element) + running_time);
    id_ = id;
    guard.unlock();
    const GstClockReturn result = gst_clock_id_wait(id, nullptr);
    guard.lock();
    id_ = nullptr;
    gst_clock_id_unref(id);
    if (result != GST_CLOCK_UNSCHEDULED) return !flushing_;
  }
}

void Pacer::set_playing(bool playing) {
  const std::lock_guard guard(lock_);
  playing_ = playing;
  if (!playing && id_) gst_clock_id_unschedule(id_);
  changed_.notify_all();
}

void Pacer::set_flushing(bool flushing) {
  const std::lock_guard guard(lock_);
  flushing_ = flushing;
  if (flushing && id_) gst_clock_id_unschedule(id_);
  changed_.notify_all();
}

}  // namespace videocall::gst
