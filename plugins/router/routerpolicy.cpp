// SPDX-License-Identifier: MIT
#include "plugins/router/routerpolicy.h"

#include <gst/gst.h>

#include <iterator>

using videocall::room::Policy;
namespace limits = videocall::limits;

namespace {

struct Entry {
  const char* name;
  const char* nick;
  const char* blurb;
  size_t Policy::*member;
  guint minimum;
  guint maximum;
};

constexpr Entry kEntries[] = {
    {"max-speakers", "Speakers",
     "How many audio senders of a room are heard, the loudest",
     &Policy::max_speakers, 1, limits::kMaxLoudestSpeakers},
    {"max-cameras", "Cameras",
     "How many cameras a viewer is shown that does not say what is on screen",
     &Policy::max_cameras, 0, limits::kMaxViewportTiles},
    {"max-members", "Members",
     "Members of one room; more are closed with overload", &Policy::max_members,
     1, limits::kMaxMembersPerRoom},
    {"max-packets-in", "Packets in",
     "Packets a second of one session; more are dropped (0: no bound)",
     &Policy::max_packets_in_per_s, 0, G_MAXINT},
    {"max-bytes-in", "Bytes in",
     "Bytes of packets a second of one session; more are dropped (0: no bound)",
     &Policy::max_bytes_in_per_s, 0, G_MAXINT},
    {"max-bytes-out", "Bytes out",
     "Bytes of packets a second to all sessions together; beyond, all get less "
     "video (0: no bound)",
     &Policy::max_bytes_out_per_s, 0, G_MAXUINT},
};

}  // namespace

void gst_videocall_router_install_policy(GObjectClass* klass, guint first_id) {
  constexpr auto kFlags = static_cast<GParamFlags>(
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  const Policy fallback;
  for (const Entry& entry : kEntries) {
    g_object_class_install_property(
        klass, first_id++,
        g_param_spec_uint(entry.name, entry.nick, entry.blurb, entry.minimum,
                          entry.maximum,
                          static_cast<guint>(fallback.*entry.member), kFlags));
  }
}

bool gst_videocall_router_set_policy(Policy& policy, guint index,
                                     const GValue* value) {
  if (index >= std::size(kEntries)) return false;
  policy.*kEntries[index].member = g_value_get_uint(value);
  return true;
}

bool gst_videocall_router_get_policy(const Policy& policy, guint index,
                                     GValue* value) {
  if (index >= std::size(kEntries)) return false;
  g_value_set_uint(value, static_cast<guint>(policy.*kEntries[index].member));
  return true;
}
