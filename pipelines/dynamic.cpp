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
#include "pipelines/gate.h"
#include "pipelines/launch.h"
#include "pipelines/parse.h"

namespace videocall::pipelines {
namespace {

using namespace std::chrono_literals;
constexpr auto kFinishTimeout = 6s;
// What a pad gets depends on its caps; one without is not waited for longer.
constexpr auto kCapsTimeout = 10s;
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

// The text for a pad: "video_*" or, of pads with these caps only,
// "video_* video/x-h264", which goes first.
const LaunchText* text_for(const Dynamic& dynamic, GstPad* pad,
                           std::string& star) {
  const CharPtr name(gst_pad_get_name(pad));
  const CapsPtr caps(gst_pad_get_current_caps(pad));
  const LaunchText* found = nullptr;
  for (const auto& [pattern, text] : dynamic.pads) {
    const size_t space = pattern.find(' ');
    if (!match(pattern.substr(0, space), name.get(), star)) continue;
    if (space == std::string::npos) {
      if (!found) found = &text;
    } else if (caps &&
               gst_structure_has_name(gst_caps_get_structure(caps.get(), 0),
                                      pattern.substr(space + 1).c_str())) {
      return &text;
    }
  }
  return found;
}

std::string time_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

// One pad of a group while a branch is built for it.
struct Input {
  PadPtr source;
  ElementPtr queue;
  gulong block = 0;
};

// A branch on its way: its pads are linked, their data waits.
struct Gathering {
  // Held while a pad is linked; nothing in there calls back.
  std::mutex lock;
  ElementPtr branch;
  std::vector<Input> inputs;
  // Guarded by the part's mutex: threads that are about to link a pad, and
  // pads whose caps came.
  unsigned pending = 0;
  size_t described = 0;
};

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
    std::map<std::string, PadPtr> pads;  // those that are there, by name
    unsigned number = 0;                 // of the branch, for its name
    bool dirty = false;                  // pads came
    bool stale = false;                  // to be built anew, or ended
    bool busy = false;                   // a thread is at work on it
    std::shared_ptr<Gathering> gathering;
    ElementPtr branch;  // built
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
  std::condition_variable changed;
  bool finished = false;
  std::map<std::string, Group> groups;
  std::map<std::string, std::map<std::string, std::string>> labels;

  void pad_added(GstPad* pad);
  void pad_removed(GstPad* pad);
  void mark(const std::string& key);
  void schedule(Group& group);
  void work(const std::string& key);
  void rebuild(const std::string& key);
  void start_gathering(Group& group);
  std::shared_ptr<Gathering> settle(const std::string& key);
  Result<void> build(const std::string& key, Gathering& gathering);
  void link(const std::string& key, const std::shared_ptr<Gathering>& gathering,
            GstPad* pad);
  GstPad* new_gated_input(const std::string& key,
                          const std::shared_ptr<Gathering>& gathering,
                          Input& input);
  std::map<std::string, std::string> labels_of(const std::string& key);
};

// -- Pads come and go
// -----------------------------------------------------------

void DynamicPart::Shared::pad_added(GstPad* pad) {
  if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC) return;
  const CharPtr name(gst_pad_get_name(pad));
  std::string key;
  if (!text_for(dynamic, pad, key)) return;
  // Without a common text every pad stands for itself.
  if (dynamic.launch.text.empty()) key = name.get();
  std::shared_ptr<Gathering> gathering;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (finished) return;
    Group& group = groups[key];
    group.key = key;
    group.pads[name.get()] = PadPtr(GST_PAD(gst_object_ref(pad)));
    if (!group.gathering && !group.branch) start_gathering(group);
    gathering = group.gathering;
    if (gathering) ++gathering->pending;
    group.dirty = true;
    schedule(group);
  }
  if (!gathering) return;  // joins late: the group is built anew
  // Here and now, before the pad's first buffer: it may be a key frame.
  link(key, gathering, pad);
  const std::lock_guard<std::mutex> lock(mutex);
  --gathering->pending;
  changed.notify_all();
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
      if (!last) continue;
      group.stale = true;
      schedule(group);
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
  it->second.stale = true;
  schedule(it->second);
}

// Called with the mutex held.
void DynamicPart::Shared::schedule(Group& group) {
  changed.notify_all();
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

// Called with the mutex held.
void DynamicPart::Shared::start_gathering(Group& group) {
  group.gathering = std::make_shared<Gathering>();
  group.gathering->branch.reset(GST_ELEMENT(gst_object_ref_sink(new_branch(
      dynamic.name + "-" + group.key + "-" + std::to_string(++group.number)))));
}

// -- Building, on a thread of GStreamer's
// --------------------------------------

void DynamicPart::Shared::work(const std::string& key) {
  for (;;) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      Group& group = groups[key];
      if ((!group.dirty && !group.stale) || finished) {
        group.busy = false;
        if (group.pads.empty() && !group.branch) groups.erase(key);
        changed.notify_all();
        return;
      }
    }
    rebuild(key);
  }
}

void DynamicPart::Shared::rebuild(const std::string& key) {
  ElementPtr old;
  bool empty = false;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    Group& group = groups[key];
    old = std::move(group.branch);
    group.stale = false;
    empty = group.pads.empty() && !group.gathering;
    if (empty) group.dirty = false;
    if (!empty && !group.gathering) start_gathering(group);
  }
  const std::shared_ptr<Gathering> gathering = empty ? nullptr : settle(key);
  if (old) detach_branch(old.get());
  if (!gathering) return;
  auto built = build(key, *gathering);
  if (!built)
    report_branch_failure(gathering->branch.get(), built.error().message);
  const std::lock_guard<std::mutex> lock(mutex);
  groups[key].branch = std::move(gathering->branch);
}

// Links what there is, waits for what belongs to it, and closes the gathering.
std::shared_ptr<Gathering> DynamicPart::Shared::settle(const std::string& key) {
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    Group& group = groups[key];
    group.dirty = false;
    const std::shared_ptr<Gathering> gathering = group.gathering;
    std::vector<PadPtr> pads;
    for (const auto& [name, pad] : group.pads)
      pads.emplace_back(GST_PAD(gst_object_ref(pad.get())));
    lock.unlock();
    for (const PadPtr& pad : pads) link(key, gathering, pad.get());
    lock.lock();
    const auto again = [&] { return finished || groups[key].dirty; };
    if (changed.wait_for(lock, std::chrono::milliseconds(dynamic.settle_ms),
                         again) &&
        !finished)
      continue;
    changed.wait(lock, [&] { return gathering->pending == 0; });
    changed.wait_for(lock, kCapsTimeout, [&] {
      return finished || gathering->described >= gathering->inputs.size();
    });
    groups[key].gathering.reset();
    return gathering;
  }
}

GstPad* DynamicPart::Shared::new_gated_input(
    const std::string& key, const std::shared_ptr<Gathering>& gathering,
    Input& input) {
  GstElement* queue = input.queue.get();
  const PadPtr out(gst_element_get_static_pad(queue, "src"));
  input.block = gst_pad_add_probe(
      out.get(), GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo*, gpointer) { return GST_PAD_PROBE_OK; },
      nullptr, nullptr);
  const PadPtr in(gst_element_get_static_pad(queue, "sink"));
  GstPad* ghost =
      add_branch_input(gathering->branch.get(), in.get(),
                       "sink_" + std::to_string(gathering->inputs.size()));
  const auto with_self = [weak = weak_from_this()](auto call) {
    if (const auto self = weak.lock()) call(*self);
  };
  GateCallbacks callbacks;
  callbacks.closed = [with_self, key] {
    with_self([&](Shared& self) { self.mark(key); });
  };
  callbacks.described = [with_self, weak = std::weak_ptr(gathering)] {
    with_self([&](Shared& self) {
      const std::lock_guard<std::mutex> lock(self.mutex);
      if (const auto it = weak.lock()) ++it->described;
      self.changed.notify_all();
    });
  };
  add_gate(ghost, !dynamic.launch.text.empty(), std::move(callbacks));
  return ghost;
}

// Links |pad| to the branch on its way, unless it is.
void DynamicPart::Shared::link(const std::string& key,
                               const std::shared_ptr<Gathering>& gathering,
                               GstPad* pad) {
  const std::lock_guard<std::mutex> lock(gathering->lock);
  GstElement* branch = gathering->branch.get();
  if (!GST_OBJECT_PARENT(branch)) {
    gst_bin_add(GST_BIN(pipeline), branch);
    (void)gst_element_sync_state_with_parent(branch);
  }
  if (feeds(pad, branch)) return;
  GstElement* queue = gst_element_factory_make("queue", nullptr);
  gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");
  g_object_set(queue, "max-size-buffers", 0u, "max-size-bytes", kGatherBytes,
               "max-size-time", kGatherTime, nullptr);
  gst_bin_add(GST_BIN(branch), queue);
  Input input{PadPtr(GST_PAD(gst_object_ref(pad))),
              ElementPtr(GST_ELEMENT(gst_object_ref(queue)))};
  GstPad* ghost = new_gated_input(key, gathering, input);
  (void)gst_element_sync_state_with_parent(queue);
  const bool fresh = !gst_pad_is_linked(pad);
  move_pad(pad, ghost);
  // One that was linked before is in the middle of a group of pictures.
  if (!fresh) ask_for_key_frame(pad);
  gathering->inputs.push_back(std::move(input));
}

Result<void> DynamicPart::Shared::build(const std::string& key,
                                        Gathering& gathering) {
  GstElement* branch = gathering.branch.get();
  std::vector<Input>& inputs = gathering.inputs;
  std::string text = without_comments(dynamic.launch.text);
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::string star;
    const LaunchText* part = text_for(dynamic, inputs[i].source.get(), star);
    if (part)
      text += "\nidentity silent=true name=input-" + std::to_string(i) + " ! " +
              without_comments(part->text);
  }
  auto parsed = parse_bin(text);
  if (!parsed) return parsed.error();
  GstElement* inner = parsed->get();
  gst_bin_add(GST_BIN(branch), inner);
  auto file = configure(branch, labels_of(key));
  if (!file) return file.error();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string name = "input-" + std::to_string(i);
    const ElementPtr first(gst_bin_get_by_name(GST_BIN(inner), name.c_str()));
    if (!first) continue;  // no text for these caps: it ends in its queue
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
                                              {"user", "unknown"},
                                              {"name", "unknown"}};
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
    shared_->changed.notify_all();
    shared_->changed.wait_for(lock, kFinishTimeout, [&] {
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
