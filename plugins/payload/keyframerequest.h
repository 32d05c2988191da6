// SPDX-License-Identifier: MIT
// The upstream custom event `videocall-keyframe-request`: a depayloader needs
// a key frame of a remote session. Fields: session-id (uint64), kind (uint,
// proto MediaKind), layer (uint). See docs/element-contract.md.
#pragma once

#include <gst/gst.h>

#include <optional>

#include "libvideocall/wire/packet.h"

namespace videocall::gst {

struct KeyframeRequest {
  uint64_t session_id = 0;
  MediaKind kind = MediaKind::unspecified;
  guint layer = 0;
};

GstEvent* keyframe_request_new(const KeyframeRequest& request);

// Nothing if |event| is another event, or lacks a field.
std::optional<KeyframeRequest> parse_keyframe_request(GstEvent* event);

}  // namespace videocall::gst
