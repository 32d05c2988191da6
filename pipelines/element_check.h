// SPDX-License-Identifier: MIT
// Whether the elements and properties that a description names, in selected
// alternatives and others, exist on this machine.
#pragma once

#include "libvideocall/base/result.h"
#include "pipelines/description.h"

namespace videocall::pipelines {

// gst_init() comes first. Errors: invalid_argument, every fault on a line of
// its own.
[[nodiscard]] Result<void> check_elements(const Description& description);

}  // namespace videocall::pipelines
