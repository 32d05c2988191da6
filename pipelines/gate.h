// SPDX-License-Identifier: MIT
// Stands before an input of a dynamic group: lets nothing pass before the
// first key frame, and closes for good when caps come that the group was not
// built for.
#pragma once

#include <gst/gst.h>

#include <functional>

namespace videocall::pipelines {

// Puts a gate on the sink pad |input|, for as long as the pad lives. |strict|:
// any other caps close it, else only another media type. |closed| is called
// then, once, on the streaming thread; it must not block.
void add_gate(GstPad* input, bool strict, std::function<void()> closed);

}  // namespace videocall::pipelines
