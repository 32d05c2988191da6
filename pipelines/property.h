// SPDX-License-Identifier: MIT
// Sets one property of one element from a parameter's value.
#pragma once

#include <gst/gst.h>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"
#include "pipelines/value.h"

namespace videocall::pipelines {

// |element| is borrowed. Any thread; what the property allows when. Errors:
// not_found (no such property or caps field, with the nearest one),
// invalid_argument (it is read-only, of another type, or the value is out of
// the property's range). The message does not name the file.
[[nodiscard]] Result<void> set_property(GstElement* element,
                                        const Target& target,
                                        const Value& value);

}  // namespace videocall::pipelines
