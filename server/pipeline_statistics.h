// SPDX-License-Identifier: MIT
// Reads the stats properties of a pipeline's elements.
#pragma once

#include <gst/gst.h>

#include <vector>

#include "server/statistics.h"

namespace videocall::server {

// What the structure holds: numbers, booleans (0, 1) and histograms; the rest
// is left out.
Statistics read_statistics(const GstStructure* structure);

// Of every element in |pipeline| that has a stats property. Elements that
// share an endpoint (or, of a client, a connection) count together and are
// read once. Any thread.
std::vector<Statistics> read_pipeline_statistics(GstElement* pipeline);

}  // namespace videocall::server
