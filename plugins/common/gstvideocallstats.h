// SPDX-License-Identifier: MIT
// What the structures of a stats property are made of: numbers (guint64) and
// histograms. docs/element-contract.md says how they become metrics.
#pragma once

#include <gst/gst.h>

#include <cstdint>

#include "libvideocall/base/counter.h"

void gst_videocall_stats_set(GstStructure* stats, const char* field,
                             uint64_t value);

// |field| becomes a GstStructure "histogram": bounds-ns and counts (lists of
// guint64, one count more than bounds, not cumulative), sum-ns (guint64).
void gst_videocall_stats_set_histogram(
    GstStructure* stats, const char* field,
    const videocall::DurationHistogram::Snapshot& histogram);
