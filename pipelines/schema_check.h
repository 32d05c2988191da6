// SPDX-License-Identifier: MIT
// What can only be said of a description as a whole: names that clash or lead
// nowhere.
#pragma once

#include "pipelines/description.h"
#include "pipelines/diagnostics.h"

namespace videocall::pipelines {

void check_schema(const Description& description, Diagnostics& diagnostics);

}  // namespace videocall::pipelines
