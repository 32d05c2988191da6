// SPDX-License-Identifier: MIT
#include "plugins/payload/depaystate.h"

namespace videocall::gst {
namespace {

GstStructure* track_stats(const DepayTrack& track, const TrackStats& stats) {
  return gst_structure_new(
      track.name, "received", G_TYPE_UINT64, guint64{stats.received}, "bytes",
      G_TYPE_UINT64, guint64{stats.bytes}, "delivered", G_TYPE_UINT64,
      guint64{stats.delivered}, "lost", G_TYPE_UINT64, guint64{stats.lost},
      "skipped", G_TYPE_UINT64, guint64{stats.skipped}, "recovered",
      G_TYPE_UINT64, guint64{stats.recovered}, "late", G_TYPE_UINT64,
      guint64{stats.late}, "duplicate", G_TYPE_UINT64, guint64{stats.duplicate},
      "discarded", G_TYPE_UINT64, guint64{stats.discarded}, "keyframe-requests",
      G_TYPE_UINT64, guint64{stats.keyframe_requests}, "jitter-ms",
      G_TYPE_DOUBLE, stats.jitter_us / 1000, nullptr);
}

}  // namespace

GstStructure* depay_stats(DepayState& state) {
  const std::lock_guard guard(state.lock);
  TrackStats total;
  GstStructure* all = gst_structure_new(
      "videocalldepay-stats", "encrypted", G_TYPE_UINT64, state.encrypted,
      "malformed", G_TYPE_UINT64, state.malformed, "ignored", G_TYPE_UINT64,
      state.ignored, nullptr);
  for (const DepayTrack& track : state.tracks) {
    if (!state.receiver) break;
    const TrackStats& stats = state.receiver->stats(track.kind);
    total.received += stats.received;
    total.lost += stats.lost;
    total.recovered += stats.recovered;
    total.late += stats.late;
    total.jitter_us = std::max(total.jitter_us, stats.jitter_us);
    if (stats.received == 0) continue;
    GstStructure* part = track_stats(track, stats);
    gst_structure_set(all, track.name, GST_TYPE_STRUCTURE, part, nullptr);
    gst_structure_free(part);
  }
  gst_structure_set(all, "received", G_TYPE_UINT64, guint64{total.received},
                    "lost", G_TYPE_UINT64, guint64{total.lost}, "recovered",
                    G_TYPE_UINT64, guint64{total.recovered}, "late",
                    G_TYPE_UINT64, guint64{total.late}, "jitter-ms",
                    G_TYPE_DOUBLE, total.jitter_us / 1000, nullptr);
  return all;
}

}  // namespace videocall::gst
