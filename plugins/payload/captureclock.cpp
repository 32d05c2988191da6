// SPDX-License-Identifier: MIT
#include "plugins/payload/captureclock.h"

#include "libvideocall/base/time.h"
#include "plugins/common/gstptr.h"

namespace videocall::gst {
namespace {

GstClockTime monotonic_now() {
  return static_cast<GstClockTime>(Clock::now().time_since_epoch().count());
}

// GStreamer's system clock is the monotonic one unless it was told otherwise.
bool is_monotonic(GstClock* clock) {
  gint type = GST_CLOCK_TYPE_OTHER;
  if (G_OBJECT_TYPE(clock) == GST_TYPE_SYSTEM_CLOCK)
    g_object_get(clock, "clock-type", &type, nullptr);
  return type == GST_CLOCK_TYPE_MONOTONIC;
}

}  // namespace

void CaptureClock::paused() {
  known_ = false;
  prerolled_ = false;
  paused_at_ = monotonic_now();
}

void CaptureClock::playing(GstElement* element) {
  const ObjectPtr<GstClock> clock(gst_element_get_clock(element));
  if (!clock) return;
  if (prerolled_.exchange(false)) {
    // Frames of a preroll have set the zero; it stays.
    shift_ =
        GST_CLOCK_DIFF(gst_element_get_base_time(element), paused_at_.load());
  } else if (!known_) {
    // A sound card's clock has a zero of its own.
    shift_ =
        is_monotonic(clock.get())
            ? 0
            : GST_CLOCK_DIFF(gst_clock_get_time(clock.get()), monotonic_now());
  }
  known_ = true;
}

uint64_t CaptureClock::capture_us(GstElement* element, gint64 running) {
  // Before PLAYING there is no base time; frames of a preroll count from when
  // the element was paused.
  if (!known_) prerolled_ = true;
  const auto zero =
      known_
          ? static_cast<GstClockTimeDiff>(gst_element_get_base_time(element)) +
                shift_
          : static_cast<GstClockTimeDiff>(paused_at_.load());
  const gint64 absolute = zero + running;
  return absolute > 0 ? static_cast<uint64_t>(absolute) / 1000 : 0;
}

}  // namespace videocall::gst
