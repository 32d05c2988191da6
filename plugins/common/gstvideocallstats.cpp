// SPDX-License-Identifier: MIT
#include "plugins/common/gstvideocallstats.h"

using videocall::DurationHistogram;

namespace {

void append(GValue* list, uint64_t number) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, G_TYPE_UINT64);
  g_value_set_uint64(&value, number);
  gst_value_list_append_and_take_value(list, &value);
}

}  // namespace

void gst_videocall_stats_set(GstStructure* stats, const char* field,
                             uint64_t value) {
  gst_structure_set(stats, field, G_TYPE_UINT64, guint64{value}, nullptr);
}

void gst_videocall_stats_set_histogram(
    GstStructure* stats, const char* field,
    const DurationHistogram::Snapshot& histogram) {
  GValue bounds = G_VALUE_INIT;
  GValue counts = G_VALUE_INIT;
  g_value_init(&bounds, GST_TYPE_LIST);
  g_value_init(&counts, GST_TYPE_LIST);
  for (const videocall::Duration bound : DurationHistogram::kBounds)
    append(&bounds, static_cast<uint64_t>(bound.count()));
  for (const uint64_t count : histogram.counts) append(&counts, count);
  GstStructure* out =
      gst_structure_new("histogram", "sum-ns", G_TYPE_UINT64,
                        static_cast<guint64>(histogram.sum.count()), nullptr);
  gst_structure_take_value(out, "bounds-ns", &bounds);
  gst_structure_take_value(out, "counts", &counts);
  GValue value = G_VALUE_INIT;
  g_value_init(&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed(&value, out);
  gst_structure_take_value(stats, field, &value);
}
