// SPDX-License-Identifier: MIT
#include "plugins/payload/keyframerequest.h"

namespace videocall::gst {
namespace {

constexpr const char* kName = "videocall-keyframe-request";

}  // namespace

GstEvent* keyframe_request_new(const KeyframeRequest& request) {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new(kName, "session-id", G_TYPE_UINT64,
                        static_cast<guint64>(request.session_id), "kind",
                        G_TYPE_UINT, static_cast<guint>(request.kind), "layer",
                        G_TYPE_UINT, request.layer, nullptr));
}

std::optional<KeyframeRequest> parse_keyframe_request(GstEvent* event) {
  if (GST_EVENT_TYPE(event) != GST_EVENT_CUSTOM_UPSTREAM ||
      !gst_event_has_name(event, kName))
    return std::nullopt;
  const GstStructure* structure = gst_event_get_structure(event);
  guint64 session_id = 0;
  guint kind = 0;
  guint layer = 0;
  if (!gst_structure_get_uint64(structure, "session-id", &session_id) ||
      !gst_structure_get_uint(structure, "kind", &kind) ||
      !gst_structure_get_uint(structure, "layer", &layer) ||
      kind > static_cast<guint>(MediaKind::screen))
    return std::nullopt;
  return KeyframeRequest{session_id, static_cast<MediaKind>(kind), layer};
}

}  // namespace videocall::gst
