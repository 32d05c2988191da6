// SPDX-License-Identifier: MIT
#include "pipelines/branch.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <set>

#include "pipelines/parse.h"

namespace videocall::pipelines {
namespace {

using namespace std::chrono_literals;
constexpr auto kDrainTimeout = 5s;
constexpr auto kIdleTimeout = 2s;
constexpr auto kQuietTimeout = 500ms;

struct BranchState {
  std::atomic<bool> failed{false};
  std::atomic<bool> detaching{false};
  // Guards the two below; signalled when every sink inside has seen the end,
  // and when the branch has left.
  std::mutex mutex;
  std::condition_variable condition;
  bool ended = false;
  bool left = false;
};

struct VideocallBranch {
  GstBin parent;
  BranchState* state;
};

struct VideocallBranchClass {
  GstBinClass parent_class;
};

G_DEFINE_TYPE(VideocallBranch, videocall_branch, GST_TYPE_BIN)

VideocallBranch* branch_cast(gpointer object) {
  return static_cast<VideocallBranch*>(object);
}

// Tells once what went wrong and leaves the pipeline.
void fail(GstElement* branch, const char* reason, const char* debug,
          bool disk_full = false) {
  if (branch_cast(branch)->state->failed.exchange(true)) return;
  GST_WARNING_OBJECT(branch, "branch failed: %s (%s)", reason,
                     debug ? debug : "");
  GstStructure* structure = gst_structure_new(
      kBranchFailedMessage, "branch", G_TYPE_STRING, GST_OBJECT_NAME(branch),
      "reason", G_TYPE_STRING, reason, "debug", G_TYPE_STRING,
      debug ? debug : "", "disk-full", G_TYPE_BOOLEAN, gboolean(disk_full),
      nullptr);
  gst_element_post_message(
      branch, gst_message_new_element(GST_OBJECT(branch), structure));
  detach_branch(branch);
}

void handle_message(GstBin* bin, GstMessage* message) {
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* raw_error = nullptr;
    char* raw_debug = nullptr;
    gst_message_parse_error(message, &raw_error, &raw_debug);
    const ErrorPtr error(raw_error);
    const CharPtr debug(raw_debug);
    fail(GST_ELEMENT(bin), error->message, debug.get(),
         g_error_matches(error.get(), GST_RESOURCE_ERROR,
                         GST_RESOURCE_ERROR_NO_SPACE_LEFT));
    gst_message_unref(message);
    return;
  }
  GST_BIN_CLASS(videocall_branch_parent_class)->handle_message(bin, message);
}

// GstBin posts its end of stream through here once all its sinks have it.
gboolean post_message(GstElement* element, GstMessage* message) {
  BranchState* state = branch_cast(element)->state;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS &&
      GST_MESSAGE_SRC(message) == GST_OBJECT(element)) {
    {
      const std::lock_guard<std::mutex> lock(state->mutex);
      state->ended = true;
      state->condition.notify_all();
    }
    // One that leaves does not end the pipeline, even if it is the last.
    if (state->detaching) {
      gst_message_unref(message);
      return TRUE;
    }
  }
  return GST_ELEMENT_CLASS(videocall_branch_parent_class)
      ->post_message(element, message);
}

GstStateChangeReturn change_state(GstElement* element,
                                  GstStateChange transition) {
  auto* parent_class = GST_ELEMENT_CLASS(videocall_branch_parent_class);
  BranchState* state = branch_cast(element)->state;
  const bool up = GST_STATE_TRANSITION_NEXT(transition) >
                  GST_STATE_TRANSITION_CURRENT(transition);
  if (state->failed && up) return GST_STATE_CHANGE_SUCCESS;
  const GstStateChangeReturn result =
      parent_class->change_state(element, transition);
  if (result != GST_STATE_CHANGE_FAILURE) return result;
  fail(element, "could not be started", nullptr);
  return GST_STATE_CHANGE_SUCCESS;
}

void finalize(GObject* object) {
  delete branch_cast(object)->state;
  G_OBJECT_CLASS(videocall_branch_parent_class)->finalize(object);
}

void videocall_branch_class_init(VideocallBranchClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = finalize;
  GST_ELEMENT_CLASS(klass)->change_state = change_state;
  GST_ELEMENT_CLASS(klass)->post_message = post_message;
  GST_BIN_CLASS(klass)->handle_message = handle_message;
}

void videocall_branch_init(VideocallBranch* branch) {
  branch->state = new BranchState;
}

// -- The input pad: whatever comes is accepted --------------------------------

bool judge(GstObject* parent, GstFlowReturn result) {
  if (result >= GST_FLOW_OK || result == GST_FLOW_FLUSHING ||
      result == GST_FLOW_EOS || result == GST_FLOW_NOT_LINKED)
    return true;
  fail(GST_ELEMENT(parent), gst_flow_get_name(result), nullptr);
  return false;
}

GstFlowReturn input_chain(GstPad* pad, GstObject* parent, GstBuffer* buffer) {
  if (branch_cast(parent)->state->failed) {
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }
  judge(parent, gst_proxy_pad_chain_default(pad, parent, buffer));
  return GST_FLOW_OK;
}

GstFlowReturn input_chain_list(GstPad* pad, GstObject* parent,
                               GstBufferList* list) {
  if (branch_cast(parent)->state->failed) {
    gst_buffer_list_unref(list);
    return GST_FLOW_OK;
  }
  judge(parent, gst_proxy_pad_chain_list_default(pad, parent, list));
  return GST_FLOW_OK;
}

gboolean input_event(GstPad* pad, GstObject* parent, GstEvent* event) {
  // A refused caps event would come back as not-negotiated to whoever pushes;
  // what the elements inside cannot take they report as an error of theirs.
  (void)gst_pad_event_default(pad, parent, event);
  return TRUE;
}

gboolean input_query(GstPad* pad, GstObject* parent, GstQuery* query) {
  switch (GST_QUERY_TYPE(query)) {
    case GST_QUERY_ACCEPT_CAPS:
      gst_query_set_accept_caps_result(query, TRUE);
      return TRUE;
    case GST_QUERY_CAPS: {
      GstCaps* filter = nullptr;
      gst_query_parse_caps(query, &filter);
      const CapsPtr caps(filter ? gst_caps_ref(filter) : gst_caps_new_any());
      gst_query_set_caps_result(query, caps.get());
      return TRUE;
    }
    case GST_QUERY_ALLOCATION:
      return FALSE;
    default:
      return gst_pad_query_default(pad, parent, query);
  }
}

Result<GstElement*> add_queue(GstElement* branch, GstPad* target,
                              QueueBounds bounds) {
  GstElement* queue = gst_element_factory_make("queue", nullptr);
  if (!queue) return Error{Errc::not_found, "the element queue is missing"};
  gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");
  g_object_set(queue, "max-size-buffers", 0u, "max-size-bytes",
               guint(bounds.bytes), "max-size-time",
               guint64(bounds.ms) * GST_MSECOND, nullptr);
  gst_bin_add(GST_BIN(branch), queue);
  const PadPtr source(gst_element_get_static_pad(queue, "src"));
  if (gst_pad_link(source.get(), target) != GST_PAD_LINK_OK)
    return Error{Errc::invalid_argument,
                 "the branch cannot be linked behind its queue"};
  return queue;
}

// -- Leaving
// --------------------------------------------------------------------

void each_input(GstElement* branch, void (*visit)(GstPad* input)) {
  GST_OBJECT_LOCK(branch);
  GList* inputs = g_list_copy_deep(
      branch->sinkpads,
      [](gconstpointer pad, gpointer) -> gpointer {
        return gst_object_ref(const_cast<gpointer>(pad));
      },
      nullptr);
  GST_OBJECT_UNLOCK(branch);
  for (GList* item = inputs; item; item = item->next)
    visit(GST_PAD(item->data));
  g_list_free_full(inputs, gst_object_unref);
}

// A move of one pad, and the signal that it is done.
struct Move {
  PadPtr input;  // where to; empty: nowhere
  std::mutex mutex;
  std::condition_variable condition;
  bool done = false;
};
using MovePtr = std::shared_ptr<Move>;

void relink(GstPad* source, GstPad* input) {
  const PadPtr old(gst_pad_get_peer(source));
  if (old) gst_pad_unlink(source, old.get());
  if (input && gst_pad_link_full(source, input, GST_PAD_LINK_CHECK_NOTHING) !=
                   GST_PAD_LINK_OK)
    GST_WARNING_OBJECT(source, "cannot be linked");
}

GstPadProbeReturn move_now(GstPad* source, GstPadProbeInfo*, gpointer data) {
  const MovePtr move = *static_cast<MovePtr*>(data);
  const std::lock_guard<std::mutex> lock(move->mutex);
  // Too late: the waiting thread has done it.
  if (!move->done) relink(source, move->input.get());
  move->done = true;
  move->condition.notify_all();
  return GST_PAD_PROBE_REMOVE;
}

void release(GstPad* pad) {
  const ObjectPtr owner(gst_pad_get_parent(pad));
  GstPadTemplate* shape = gst_pad_get_pad_template(pad);
  if (!shape) return;
  if (owner && GST_PAD_TEMPLATE_PRESENCE(shape) == GST_PAD_REQUEST)
    gst_element_release_request_pad(GST_ELEMENT(owner.get()), pad);
  gst_object_unref(shape);
}

void unlink_input(GstPad* input) {
  const PadPtr peer(gst_pad_get_peer(input));
  if (!peer) return;
  move_pad(peer.get(), nullptr);
  release(peer.get());
}

void send_end(GstPad* input) {
  (void)gst_pad_send_event(input, gst_event_new_eos());
}

void drain(GstElement* branch) {
  BranchState* state = branch_cast(branch)->state;
  GstState now = GST_STATE_NULL;
  gst_element_get_state(branch, &now, nullptr, 0);
  if (state->failed || now != GST_STATE_PLAYING) return;
  each_input(branch, send_end);
  std::unique_lock<std::mutex> lock(state->mutex);
  state->condition.wait_for(lock, kDrainTimeout, [&] { return state->ended; });
}

void leave(GstElement* branch, gpointer) {
  each_input(branch, unlink_input);
  drain(branch);
  gst_element_set_locked_state(branch, TRUE);
  gst_element_set_state(branch, GST_STATE_NULL);
  const ObjectPtr parent(gst_object_get_parent(GST_OBJECT(branch)));
  if (parent) gst_bin_remove(GST_BIN(parent.get()), branch);
  BranchState* state = branch_cast(branch)->state;
  const std::lock_guard<std::mutex> lock(state->mutex);
  state->left = true;
  state->condition.notify_all();
}

}  // namespace

void move_pad(GstPad* source, GstPad* input) {
  if (!gst_pad_is_linked(source)) return relink(source, input);
  const auto move = std::make_shared<Move>();
  if (input) move->input.reset(GST_PAD(gst_object_ref(input)));
  // An idle probe can run at the end of pushing an event, which then counts
  // as seen by the new input too. In front of a buffer GStreamer looks again
  // which events the peer lacks.
  const int before_data = GST_PAD_PROBE_TYPE_BLOCK | GST_PAD_PROBE_TYPE_BUFFER |
                          GST_PAD_PROBE_TYPE_BUFFER_LIST;
  gst_pad_add_probe(source,
                    input ? static_cast<GstPadProbeType>(before_data)
                          : GST_PAD_PROBE_TYPE_IDLE,
                    move_now, new MovePtr(move),
                    [](gpointer data) { delete static_cast<MovePtr*>(data); });
  std::unique_lock<std::mutex> lock(move->mutex);
  if (move->condition.wait_for(lock, input ? kQuietTimeout : kIdleTimeout,
                               [&] { return move->done; }))
    return;
  // Nothing flows, or a push hangs inside a branch without a queue: that ends
  // when the branch is stopped.
  relink(source, input);
  move->done = true;
}

GstElement* new_branch(const std::string& name) {
  auto* branch =
      GST_ELEMENT(g_object_new(videocall_branch_get_type(), "name",
                               name.c_str(), "async-handling", TRUE, nullptr));
  return branch;
}

GstPad* add_branch_input(GstElement* branch, GstPad* target,
                         const std::string& name) {
  GstPad* ghost = gst_ghost_pad_new(name.c_str(), target);
  gst_pad_set_chain_function(ghost, input_chain);
  gst_pad_set_chain_list_function(ghost, input_chain_list);
  gst_pad_set_event_function(ghost, input_event);
  gst_pad_set_query_function(ghost, input_query);
  gst_element_add_pad(branch, ghost);
  return ghost;
}

Result<GstPad*> add_branch_text(GstElement* branch, const std::string& text,
                                const std::string& input, QueueBounds bounds) {
  auto target = parse_into(GST_BIN(branch), text);
  if (!target) return target.error();
  PadPtr sink = std::move(*target);
  if (bounds.ms > 0 || bounds.bytes > 0) {
    auto queue = add_queue(branch, sink.get(), bounds);
    if (!queue) return queue.error();
    sink.reset(gst_element_get_static_pad(*queue, "sink"));
  }
  return add_branch_input(branch, sink.get(), input);
}

Result<void> attach_branch(GstElement* pipeline, GstElement* branch,
                           GstPad* input, GstElement* from,
                           const std::string& pad) {
  const ElementPtr held(GST_ELEMENT(gst_object_ref_sink(branch)));
  const PadPtr input_held(GST_PAD(gst_object_ref(input)));
  PadPtr source(gst_element_get_static_pad(from, pad.c_str()));
  if (!source) source.reset(gst_element_request_pad_simple(from, pad.c_str()));
  if (!source)
    return Error{Errc::not_found, std::string(GST_OBJECT_NAME(from)) +
                                      " has no pad \"" + pad + "\""};
  if (!GST_OBJECT_PARENT(branch)) gst_bin_add(GST_BIN(pipeline), branch);
  // First up, then linked: a pad that is not active yet would turn the pusher
  // away.
  (void)gst_element_sync_state_with_parent(branch);
  std::string reason = "could not be started";
  if (!branch_is_closed(branch)) {
    if (gst_pad_link_full(source.get(), input, GST_PAD_LINK_CHECK_NOTHING) ==
        GST_PAD_LINK_OK)
      return {};
    reason =
        "cannot be linked to " + std::string(GST_OBJECT_NAME(from)) + "." + pad;
  }
  release(source.get());
  detach_branch(branch);
  return Error{Errc::unavailable,
               std::string(GST_OBJECT_NAME(branch)) + " " + reason};
}

void detach_branch(GstElement* branch) {
  if (branch_cast(branch)->state->detaching.exchange(true)) return;
  gst_element_call_async(branch, leave, nullptr, nullptr);
}

bool wait_until_detached(GstElement* branch,
                         std::chrono::milliseconds timeout) {
  BranchState* state = branch_cast(branch)->state;
  std::unique_lock<std::mutex> lock(state->mutex);
  return state->condition.wait_for(lock, timeout, [&] { return state->left; });
}

void report_branch_failure(GstElement* branch, const std::string& reason) {
  fail(branch, reason.c_str(), nullptr);
}

bool branch_is_closed(GstElement* branch) {
  const BranchState* state = branch_cast(branch)->state;
  return state->failed || state->detaching;
}

}  // namespace videocall::pipelines
