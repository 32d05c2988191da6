// SPDX-License-Identifier: MIT
// Which metric each field of the relay's statistics becomes.
#pragma once

#include "server/metrics_text.h"
#include "server/statistics.h"

namespace videocall::server {

// Adds what the table knows of |part|; other fields are left out. A part
// called NAME-listener-stats is a transport and gets the label
// transport="NAME".
void add_relay_metrics(MetricsText& out, const Statistics& part);

}  // namespace videocall::server
