// SPDX-License-Identifier: MIT
// Stands before an input of a dynamic group: lets nothing pass before the
// first key frame, and closes for good when caps come that the group was not
// built for.
#pragma once

#include <gst/gst.h>

#include <functional>

namespace videocall::pipelines {

struct GateCallbacks {
  std::function<void()> described;  // the first caps came
  std::function<void()> closed;
};

// Puts a gate on the sink pad |input|, for as long as the pad lives. |strict|:
// other caps of the same type close it too, or are kept away where the stream
// itself says what has changed (VP8, VP9, Opus); else only another type. The
// callbacks come at most once each, on the streaming thread; they must not
// block.
void add_gate(GstPad* input, bool strict, GateCallbacks callbacks);

}  // namespace videocall::pipelines
