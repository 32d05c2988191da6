// SPDX-License-Identifier: MIT
// The properties of videocallpay.
#pragma once

#include <gst/gst.h>

#include "libvideocall/wire/limits.h"

namespace videocall::gst {

// Values of the property `kind`.
enum class PayKind : gint { any, video, audio, screen };

// See docs/elements/videocallpay.md for the meaning of each.
struct PaySettings {
  PayKind kind = PayKind::any;
  guint layer = 0;
  guint target_kbps = 0;
  guint key_interval = 0;  // ms
  guint audio_level = 127;
  guint speaking_level = 45;
  guint redundancy = limits::kMaxRedundantFrames;

  // False if property |id| is none of these.
  bool set(guint id, const GValue* value);
  bool get(guint id, GValue* value) const;

 private:
  guint* number(guint id);
};

struct PayStats {
  guint64 packets = 0;
  guint64 bytes = 0;
  guint64 keyframes = 0;
  guint64 dropped = 0;
  guint64 requests = 0;

  // False if property |id| is not `stats`.
  bool get(guint id, GValue* value) const;
};

void install_pay_properties(GObjectClass* gobject_class);

}  // namespace videocall::gst
