// SPDX-License-Identifier: MIT
// Puts a parameter's value where the description says.
#pragma once

#include <gst/gst.h>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"
#include "pipelines/launch.h"
#include "pipelines/value.h"

namespace videocall::pipelines {

// Sets |value| on every target of |parameter| that is found below |bin|;
// targets of alternatives that are not selected are not there. Returns how
// many there were. Errors: "FILE:LINE: parameter NAME: reason".
[[nodiscard]] Result<size_t> apply(GstElement* bin,
                                   const Description& description,
                                   const Counts& counts,
                                   const Parameter& parameter,
                                   const Value& value);

}  // namespace videocall::pipelines
