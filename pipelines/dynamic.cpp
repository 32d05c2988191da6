// SPDX-License-Identifier: MIT
#include "pipelines/dynamic.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <map>
#include <mutex>
#include <vector>

#include "pipelines/branch.h"
#include "pipelines/launch.h"
#include "pipelines/parse.h"

namespace videocall::pipelines {
namespace {

using namespace std::chrono_literals;
constexpr auto kFinishTimeout = 6s;
constexpr size_t kMaxNamePart = 80;
// While a group settles its pads' data waits here.
constexpr guint64 kGatherTime = 20 * GST_SECOND;
constexpr guint kGatherBytes = 64 * 1024 * 1024;

// "video_*" and "video_17" → "17"; nothing if the name does not fit.
bool match(const std::string& pattern, const std::string& name,
           std::string& star) {
  const size_t at = pattern.find('*');
  const std::string head = pattern.substr(0, at);
  const std::string tail = pattern.substr(at + 1);
  if (name.size() < head.size() + tail.size() + 1) return false;
  if (name.compare(0, head.size(), head) != 0) return false;
  if (name.compare(name.size() - tail.size(), tail.size(), tail) != 0)
    return false;
  star = name.substr(head.size(), name.size() - head.size() - tail.size());
  return true;
}

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

// One pad of a group while one branch is built for it.
struct Input {
  std::string pad_name;
  LaunchText part;
  PadPtr source;
  ElementPtr queue;
  gulong block = 0;
};

// What the probe on an input knows.
struct Gate {
  std::function<void()> changed;
  bool open = false;    // a key frame came
  bool closed = false;  // other caps came; the next branch takes over
  bool strict = false;  // any other caps, not only another format
  CapsPtr caps;
};

bool same_format(const GstCaps* a, const GstCaps* b) {
  return gst_structure_get_name_id(gst_caps_get_structure(a, 0)) ==
         gst_structure_get_name_id(gst_caps_get_structure(b, 0));
}

bool other_caps(Gate& gate, GstEvent* event) {
  GstCaps* caps = nullptr;
  gst_event_parse_caps(event, &caps);
  if (!gate.caps) {
    gate.caps.reset(gst_caps_ref(caps));
    return false;
  }
  return gate.strict ? !gst_caps_is_equal(gate.caps.get(), caps)
                     : !same_format(gate.caps.get(), caps);
}

GstPadProbeReturn gate_probe(GstPad*, GstPadProbeInfo* info, gpointer data) {
  Gate& gate = *static_cast<Gate*>(data);
  if (GST_PAD_PROBE_INFO_TYPE(info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM) {
    GstEvent* event = GST_PAD_PROBE_INFO_EVENT(info);
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS || gate.closed)
      return GST_PAD_PROBE_OK;
    if (!other_caps(gate, event)) return GST_PAD_PROBE_OK;
    gate.closed = true;
    gate.changed();
    return GST_PAD_PROBE_DROP;
  }
  if (gate.closed) return GST_PAD_PROBE_DROP;
  if (!gate.open) {
    // Nothing can be made of a group of pictures without its beginning.
    if (GST_BUFFER_FLAG_IS_SET(GST_PAD_PROBE_INFO_BUFFER(info),
                               GST_BUFFER_FLAG_DELTA_UNIT))
      return GST_PAD_PROBE_DROP;
    gate.open = true;
  }
  return GST_PAD_PROBE_OK;
}

bool feeds(GstPad* source, GstElement* branch) {
  const PadPtr peer(gst_pad_get_peer(source));
  return peer && GST_OBJECT_PARENT(peer.get()) == GST_OBJECT(branch);
}

void ask_for_key_frame(GstPad* source) {
  // gst_video_event_new_upstream_force_key_unit() without libgstvideo.
  GstStructure* structure =
      gst_structure_new("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME,
                        GST_CLOCK_TIME_NONE, "all-headers", G_TYPE_BOOLEAN,
                        TRUE, "count", G_TYPE_UINT, 0u, nullptr);
  (void)gst_pad_send_event(
      source, gst_event_new_custom(GST_EVENT_CUSTOM_UPSTREAM, structure));
}

}  // namespace

std::string file_name_part(const std::string& text) {
  std::string out;
  for (char c : text) {
    const bool fine = g_ascii_isalnum(c) || c == '.' || c == '_' || c == '-' ||
                      c == '@' || c == '+';
    out += fine ? c : '_';
    if (out.size() == kMaxNamePart) break;
  }
  if (out.empty()) return "_";
  if (out.front() == '.') out.front() = '_';
  return out;
}

struct DynamicPart::Shared : std::enable_shared_from_this<Shared> {
  struct Group {
    std::string key;
    // The pads that are there now, by name.
    std::map<std::string, std::pair<PadPtr, LaunchText>> pads;
    std::map<std::string, std::string> labels;
    unsigned number = 0;  // of the branch, for its name
    bool dirty = false;   // pads or caps changed since it was built
    bool busy = false;    // a thread is at work on it
    ElementPtr branch;
  };

  GstElement* pipeline = nullptr;
  ElementPtr from;
  Dynamic dynamic;
  Configure configure;
  gulong added = 0;
  gulong removed = 0;

  // Guards what follows; never held over a call into GStreamer that can
  // block.
  std::mutex mutex;
  std::condition_variable idle;
  bool finished = false;
  std::map<std::string, Group> groups;
  std::map<std::string, std::map<std::string, std::string>> labels;

  void pad_added(GstPad* pad);
  void pad_removed(GstPad* pad);
  void schedule(Group& group);
  void work(const std::string& key);
  void rebuild(const std::string& key);
  Result<void> build(const std::string& key, GstElement* branch,
                     std::vector<Input>& inputs);
  void gather(const std::string& key, GstElement* branch,
              std::vector<Input>& inputs);
  Input take(const std::string& key, GstElement* branch, size_t number,
             GstPad* pad, const LaunchText& part);
  std::map<std::string, std::string> labels_of(const std::string& key);
  bool settle();
  void mark(const std::string& key);
};

// -- Pads come and go
// ------------------------------------------------------------

void DynamicPart::Shared::pad_added(GstPad* pad) {
  if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC) return;
  const CharPtr name(gst_pad_get_name(pad));
  for (const auto& [pattern, part] : dynamic.pads) {
    std::string key;
    if (!match(pattern, name.get(), key)) continue;
    // Without a common text every pad stands for itself.
    if (dynamic.launch.text.empty()) key = name.get();
    const std::lock_guard<std::mutex> lock(mutex);
    if (finished) return;
    Group& group = groups[key];
    group.key = key;
    group.pads[name.get()] = {PadPtr(GST_PAD(gst_object_ref(pad))), part};
    group.dirty = true;
    schedule(group);
    return;
  }
}

void DynamicPart::Shared::pad_removed(GstPad* pad) {
  const CharPtr name(gst_pad_get_name(pad));
  const PadPtr input(gst_pad_get_peer(pad));
  bool last = false;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    for (auto& [key, group] : groups) {
      if (group.pads.erase(name.get()) == 0) continue;
      last = group.pads.empty();
      if (last) {
        group.dirty = true;
        schedule(group);
      }
    }
  }
  // The others of its group go on; this one's track ends.
  if (!last && input)
    (void)gst_pad_send_event(input.get(), gst_event_new_eos());
}

void DynamicPart::Shared::mark(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex);
  const auto it = groups.find(key);
  if (it == groups.end() || finished) return;
  it->second.dirty = true;
  schedule(it->second);
}

// Called with the mutex held.
void DynamicPart::Shared::schedule(Group& group) {
  if (group.busy) return;
  group.busy = true;
  using Job = std::pair<std::shared_ptr<Shared>, std::string>;
  gst_element_call_async(
      pipeline,
      [](GstElement*, gpointer data) {
        Job& job = *static_cast<Job*>(data);
        job.first->work(job.second);
      },
      new Job(shared_from_this(), group.key),
      [](gpointer data) { delete static_cast<Job*>(data); });
}

// -- Building, on a thread of GStreamer's
// ----------------------------------------

bool DynamicPart::Shared::settle() {
  std::unique_lock<std::mutex> lock(mutex);
  idle.wait_for(lock, std::chrono::milliseconds(dynamic.settle_ms),
                [&] { return finished; });
  return !finished;
}

void DynamicPart::Shared::work(const std::string& key) {
  for (;;) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      Group& group = groups[key];
      if (!group.dirty || finished) {
        group.busy = false;
        if (group.pads.empty() && !group.branch) groups.erase(key);
        idle.notify_all();
        return;
      }
    }
    rebuild(key);
  }
}

void DynamicPart::Shared::rebuild(const std::string& key) {
  ElementPtr old;
  unsigned number = 0;
  bool empty = false;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    Group& group = groups[key];
    old = std::move(group.branch);
    empty = group.pads.empty();
    number = ++group.number;
    if (empty) group.dirty = false;
  }
  if (empty) {
    if (old) detach_branch(old.get());
    return;
  }
  ElementPtr branch(GST_ELEMENT(gst_object_ref_sink(
      new_branch(dynamic.name + "-" + key + "-" + std::to_string(number)))));
  gst_bin_add(GST_BIN(pipeline), branch.get());
  (void)gst_element_sync_state_with_parent(branch.get());
  std::vector<Input> inputs;
  gather(key, branch.get(), inputs);
  if (old) detach_branch(old.get());
  // Pads that come while it settles are of this build too.
  while (settle()) {
    const size_t before = inputs.size();
    gather(key, branch.get(), inputs);
    if (inputs.size() == before) break;
  }
  auto built = build(key, branch.get(), inputs);
  if (!built) report_branch_failure(branch.get(), built.error().message);
  const std::lock_guard<std::mutex> lock(mutex);
  groups[key].branch = std::move(branch);
}

// Links the pads that do not feed |branch| yet.
void DynamicPart::Shared::gather(const std::string& key, GstElement* branch,
                                 std::vector<Input>& inputs) {
  std::vector<std::pair<PadPtr, LaunchText>> fresh;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    Group& group = groups[key];
    group.dirty = false;
    for (const auto& [name, entry] : group.pads) {
      if (feeds(entry.first.get(), branch)) continue;
      fresh.emplace_back(PadPtr(GST_PAD(gst_object_ref(entry.first.get()))),
                         entry.second);
    }
  }
  for (const auto& [pad, part] : fresh)
    inputs.push_back(take(key, branch, inputs.size(), pad.get(), part));
}

Input DynamicPart::Shared::take(const std::string& key, GstElement* branch,
                                size_t number, GstPad* pad,
                                const LaunchText& part) {
  Input input;
  input.part = part;
  input.source.reset(GST_PAD(gst_object_ref(pad)));
  GstElement* queue = gst_element_factory_make("queue", nullptr);
  input.queue.reset(GST_ELEMENT(gst_object_ref(queue)));
  gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");
  g_object_set(queue, "max-size-buffers", 0u, "max-size-bytes", kGatherBytes,
               "max-size-time", kGatherTime, nullptr);
  gst_bin_add(GST_BIN(branch), queue);
  const PadPtr out(gst_element_get_static_pad(queue, "src"));
  input.block = gst_pad_add_probe(
      out.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; },
      nullptr, nullptr);
  const PadPtr in(gst_element_get_static_pad(queue, "sink"));
  GstPad* ghost =
      add_branch_input(branch, in.get(), "sink_" + std::to_string(number));
  auto* gate = new Gate;
  gate->strict = !dynamic.launch.text.empty();
  gate->changed = [weak = weak_from_this(), key] {
    if (const auto self = weak.lock()) self->mark(key);
  };
  const int types =
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM;
  gst_pad_add_probe(ghost, static_cast<GstPadProbeType>(types), gate_probe,
                    gate,
                    [](gpointer data) { delete static_cast<Gate*>(data); });
  (void)gst_element_sync_state_with_parent(queue);
  move_pad(pad, ghost);
  ask_for_key_frame(pad);
  return input;
}

Result<void> DynamicPart::Shared::build(const std::string& key,
                                        GstElement* branch,
                                        std::vector<Input>& inputs) {
  std::string text = without_comments(dynamic.launch.text);
  for (size_t i = 0; i < inputs.size(); ++i)
    text += "\nidentity silent=true name=input-" + std::to_string(i) + " ! " +
            without_comments(inputs[i].part.text);
  auto parsed = parse_bin(text);
  if (!parsed) return parsed.error();
  GstElement* inner = parsed->get();
  gst_bin_add(GST_BIN(branch), inner);
  auto file = configure(branch, labels_of(key));
  if (!file) return file.error();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = "input-" + std::to_string(i);
    const ElementPtr first(gst_bin_get_by_name(GST_BIN(inner), name.c_str()));
    const PadPtr sink(gst_element_get_static_pad(first.get(), "sink"));
    GstPad* ghost = gst_ghost_pad_new(name.c_str(), sink.get());
    gst_pad_set_active(ghost, TRUE);
    gst_element_add_pad(inner, ghost);
    const PadPtr out(gst_element_get_static_pad(inputs[i].queue.get(), "src"));
    if (gst_pad_link(out.get(), ghost) != GST_PAD_LINK_OK)
      return Error{Errc::internal, "a pad cannot be linked"};
  }
  if (!gst_element_sync_state_with_parent(inner))
    return Error{Errc::unavailable, "could not be started"};
  gst_element_post_message(
      branch, gst_message_new_element(
                  GST_OBJECT(branch),
                  gst_structure_new(kGroupStartedMessage, "dynamic",
                                    G_TYPE_STRING, dynamic.name.c_str(),
                                    "group", G_TYPE_STRING, key.c_str(), "file",
                                    G_TYPE_STRING, file->c_str(), nullptr)));
  for (Input& input : inputs) {
    const PadPtr out(gst_element_get_static_pad(input.queue.get(), "src"));
    gst_pad_remove_probe(out.get(), input.block);
  }
  return {};
}

std::map<std::string, std::string> DynamicPart::Shared::labels_of(
    const std::string& key) {
  std::map<std::string, std::string> texts = {{"group", file_name_part(key)},
                                              {"time", time_now()},
                                              {"user", "unknown"}};
  const std::lock_guard<std::mutex> lock(mutex);
  for (const auto& [name, text] : labels[key])
    texts[name] = file_name_part(text);
  return texts;
}

// -- The public face
// -------------------------------------------------------------

DynamicPart::DynamicPart(GstElement* pipeline, GstElement* from,
                         Dynamic dynamic, Configure configure)
    : shared_(std::make_shared<Shared>()) {
  shared_->pipeline = pipeline;
  shared_->from.reset(GST_ELEMENT(gst_object_ref(from)));
  shared_->dynamic = std::move(dynamic);
  shared_->configure = std::move(configure);
  using Weak = std::weak_ptr<Shared>;
  const auto destroy = [](gpointer data, GClosure*) {
    delete static_cast<Weak*>(data);
  };
  const auto on_added = +[](GstElement*, GstPad* pad, gpointer data) {
    if (const auto self = static_cast<Weak*>(data)->lock())
      self->pad_added(pad);
  };
  const auto on_removed = +[](GstElement*, GstPad* pad, gpointer data) {
    if (const auto self = static_cast<Weak*>(data)->lock())
      self->pad_removed(pad);
  };
  shared_->added =
      g_signal_connect_data(from, "pad-added", G_CALLBACK(on_added),
                            new Weak(shared_), destroy, GConnectFlags(0));
  shared_->removed =
      g_signal_connect_data(from, "pad-removed", G_CALLBACK(on_removed),
                            new Weak(shared_), destroy, GConnectFlags(0));
}

DynamicPart::~DynamicPart() {
  finish();
  g_signal_handler_disconnect(shared_->from.get(), shared_->added);
  g_signal_handler_disconnect(shared_->from.get(), shared_->removed);
}

void DynamicPart::set_label(const std::string& group, const std::string& name,
                            const std::string& text) {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  shared_->labels[group][name] = text;
}

void DynamicPart::finish() {
  std::vector<ElementPtr> branches;
  {
    std::unique_lock<std::mutex> lock(shared_->mutex);
    shared_->finished = true;
    shared_->idle.notify_all();
    shared_->idle.wait_for(lock, kFinishTimeout, [&] {
      return std::none_of(shared_->groups.begin(), shared_->groups.end(),
                          [](const auto& entry) { return entry.second.busy; });
    });
    for (auto& [key, group] : shared_->groups) {
      group.pads.clear();
      if (group.branch) branches.push_back(std::move(group.branch));
    }
  }
  for (const ElementPtr& branch : branches) detach_branch(branch.get());
  for (const ElementPtr& branch : branches)
    (void)wait_until_detached(branch.get(), kFinishTimeout);
}

}  // namespace videocall::pipelines
