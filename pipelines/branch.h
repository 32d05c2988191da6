// SPDX-License-Identifier: MIT
// A bin whose troubles stay its own. What is pushed into it is always
// accepted (after a failure: thrown away); an error inside becomes the element
// message "videocall-branch-failed" (branch, reason, debug: strings; disk-full:
// boolean); a state change that fails inside leaves the bin in NULL and the
// pipeline in peace. The bin takes itself out of the pipeline after a failure.
#pragma once

#include <gst/gst.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "libvideocall/base/result.h"
#include "pipelines/gst_ptr.h"

namespace videocall::pipelines {

inline constexpr char kBranchFailedMessage[] = "videocall-branch-failed";

struct QueueBounds {
  uint64_t ms = 0;  // both 0: no queue
  uint64_t bytes = 0;
};

// An empty branch. The result is floating, as from a factory.
[[nodiscard]] GstElement* new_branch(const std::string& name);

// Puts the elements of |text| into |branch| and gives it an input pad called
// |input|, in front of the one sink pad that the text leaves unlinked; with
// bounds, behind a queue that throws away what is older. Returns the pad,
// borrowed from the branch. Errors: invalid_argument, not_found (an element).
[[nodiscard]] Result<GstPad*> add_branch_text(GstElement* branch,
                                              const std::string& text,
                                              const std::string& input,
                                              QueueBounds bounds);

// An input pad that feeds |target|, a sink pad of an element in the branch.
// Borrowed from the branch.
GstPad* add_branch_input(GstElement* branch, GstPad* target,
                         const std::string& name);

// Adds |branch| (taken over) to |pipeline|, brings it to the pipeline's state
// and links |input| to |from|'s pad |pad|: a request pad template ("tap_%u",
// "src_%u") or the name of a pad that is there. Call it in any state.
[[nodiscard]] Result<void> attach_branch(GstElement* pipeline,
                                         GstElement* branch, GstPad* input,
                                         GstElement* from,
                                         const std::string& pad);

// Links the src pad |source| to |input| instead of what it is linked to, in a
// moment when no buffer is under way on it, so that it never finds itself
// unlinked. An |input| of nullptr only unlinks. Returns when done; not from
// the thread that pushes.
void move_pad(GstPad* source, GstPad* input);

// Unlinks the branch when no buffer is under way on its inputs, gives request
// pads back, lets it finish what it has (end of stream, at most 5 s), stops it
// and removes it from its pipeline. Returns at once; the work is done on a
// thread of GStreamer's. Safe to call twice.
void detach_branch(GstElement* branch);

// Whether a branch that is being detached has finished and gone; waits up to
// |timeout|.
bool wait_until_detached(GstElement* branch, std::chrono::milliseconds timeout);

// Ends the branch as if an element in it had failed.
void report_branch_failure(GstElement* branch, const std::string& reason);

// Detached, failed or not: whether the branch no longer takes data.
[[nodiscard]] bool branch_is_closed(GstElement* branch);

}  // namespace videocall::pipelines
