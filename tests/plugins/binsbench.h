// SPDX-License-Identifier: MIT
// videocallsink and videocallsrc against a server in the same process: the
// HTTP join, a listener pipeline with its router, and pads of the test's own at
// both ends.
#pragma once

#include <gst/video/video.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "tests/plugins/webtransportbench.h"
#include "tests/support/join_server.h"

namespace videocall::testing {

// Media and HTTP side of a server.
class Meeting {
 public:
  explicit Meeting(const char* endpoint = "bins-server")
      : media(1, endpoint, admit),
        http([this](const auto& meeting, const auto& request) {
          gchar** hashes = media.hashes();
          const std::string hash = hashes && hashes[0] ? hashes[0] : "";
          g_strfreev(hashes);
          const std::string url =
              "https://127.0.0.1:" + std::to_string(media.port()) + "/meet/" +
              meeting;
          return JoinReply{200, JoinServer::admitted(request, url, hash)};
        }) {
    media.play();
  }
  void close_all(guint code) {
    g_signal_emit_by_name(media.sources[0], "close-all", code, "test");
  }

  // A token is good once: USER.NUMBER.
  static void admit(GstElement* source, const GstStructure* request) {
    guint64 id = 0;
    gst_structure_get_uint64(request, "request-id", &id);
    const std::string token = gst_structure_get_string(request, "token");
    const std::string user = token.substr(0, token.rfind('.'));
    GstStructure* grant =
        make_grant(gst_structure_get_string(request, "meeting"), user.c_str());
    gst_structure_set(grant, "token-id", G_TYPE_STRING, token.c_str(), nullptr);
    g_signal_emit_by_name(source, "admit", id, grant);
    gst_structure_free(grant);
  }

  ServerBench media;
  JoinServer http;
};

// A pipeline with one bin.
class BinBench {
 public:
  BinBench(const char* factory, const std::string& location,
           const std::string& user) {
    pipeline = gst_pipeline_new(nullptr);
    bin = make_element(factory);
    g_object_set(bin, "location", location.c_str(), "meeting", "demo", "user",
                 user.c_str(), nullptr);
    gst_bin_add(GST_BIN(pipeline), bin);
    bus = gst_element_get_bus(pipeline);
  }
  virtual ~BinBench() {
    stop();
    gst_object_unref(bus);
    gst_object_unref(pipeline);
  }
  BinBench(const BinBench&) = delete;
  BinBench& operator=(const BinBench&) = delete;

  GstStateChangeReturn play() {
    return gst_element_set_state(pipeline, GST_STATE_PLAYING);
  }
  void stop() { gst_element_set_state(pipeline, GST_STATE_NULL); }

  // Waits for videocall-state |state|; its structure.
  StructurePtr wait_state(const std::string& state) {
    for (;;) {
      StructurePtr message = wait_message(bus, "videocall-state");
      if (!message) return nullptr;
      if (state == gst_structure_get_string(message.get(), "state"))
        return message;
    }
  }

  GstElement* pipeline;
  GstElement* bin;
  GstBus* bus;
};

inline std::vector<uint8_t> vp8_frame(bool key, size_t size = 500) {
  std::vector<uint8_t> frame(size, 0x55);
  const std::vector<uint8_t> head =
      key ? std::vector<uint8_t>{0x10, 2,    0,    0x9d, 0x01,
                                 0x2a, 0x40, 0x01, 0xf0, 0x00}  // 320 × 240
          : std::vector<uint8_t>{0x11, 2, 0};
  std::copy(head.begin(), head.end(), frame.begin());
  return frame;
}

// A pad of the test's that feeds a request pad of videocallsink.
class Feed {
 public:
  Feed(GstElement* sink, const char* name, const char* caps = "video/x-vp8") {
    target_ = gst_element_request_pad_simple(sink, name);
    g_assert_nonnull(target_);
    pad_ = gst_pad_new("feed", GST_PAD_SRC);
    gst_object_ref_sink(pad_);
    gst_pad_set_element_private(pad_, this);
    gst_pad_set_event_function(pad_, on_event);
    g_assert_cmpint(gst_pad_link(pad_, target_), ==, GST_PAD_LINK_OK);
    caps_ = caps;
  }
  ~Feed() {
    gst_pad_set_active(pad_, FALSE);
    gst_object_unref(pad_);
    gst_object_unref(target_);
  }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  // Once the bin is at least paused.
  void begin() {
    gst_pad_set_active(pad_, TRUE);
    gst_pad_push_event(pad_, gst_event_new_stream_start("feed"));
    GstCaps* caps = gst_caps_from_string(caps_);
    gst_pad_push_event(pad_, gst_event_new_caps(caps));
    gst_caps_unref(caps);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(pad_, gst_event_new_segment(&segment));
  }
  GstFlowReturn push(const std::vector<uint8_t>& bytes, GstClockTime pts = 0) {
    GstBuffer* buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
    GST_BUFFER_PTS(buffer) = pts;
    return gst_pad_push(pad_, buffer);
  }
  GstFlowReturn push_frame() {
    const bool key = wishes_.exchange(0) > 0 || count_ % 30 == 0;
    ++count_;
    return push(vp8_frame(key), count_ * GST_MSECOND);
  }
  void end() { gst_pad_push_event(pad_, gst_event_new_eos()); }
  int wishes() const { return all_wishes_; }

 private:
  static gboolean on_event(GstPad* pad, GstObject*, GstEvent* event) {
    auto* self = static_cast<Feed*>(gst_pad_get_element_private(pad));
    if (gst_video_event_is_force_key_unit(event)) {
      ++self->wishes_;
      ++self->all_wishes_;
    }
    gst_event_unref(event);
    return TRUE;
  }

  GstPad* target_;
  GstPad* pad_;
  const char* caps_;
  guint64 count_ = 0;
  std::atomic<int> wishes_{0};
  std::atomic<int> all_wishes_{0};
};

// Takes what videocallsrc gives, on pads of the test's.
class Viewer : public BinBench {
 public:
  Viewer(const std::string& location, const std::string& user,
         bool links = true)
      : BinBench("videocallsrc", location, user), links_(links) {
    g_signal_connect(bin, "pad-added", G_CALLBACK(added), this);
    g_signal_connect(bin, "pad-removed", G_CALLBACK(removed), this);
  }
  ~Viewer() override {
    stop();
    for (GstPad* pad : sinks_) gst_object_unref(pad);
  }

  // Waits until |ready|() holds, which is asked under the lock.
  bool wait(const std::function<bool()>& ready) {
    std::unique_lock guard(lock);
    return changed.wait_for(guard, std::chrono::seconds(30), ready);
  }
  size_t count(const std::string& prefix) {
    size_t all = 0;
    for (const auto& [name, frames] : received)
      if (name.rfind(prefix, 0) == 0) all += frames;
    return all;
  }

  std::mutex lock;  // guards what follows
  std::condition_variable changed;
  std::map<std::string, size_t> received;  // buffers by pad
  std::map<std::string, std::string> caps;
  std::map<std::string, std::string> titles;
  std::vector<std::string> pads;
  size_t ended = 0;
  GstPad* last_pad = nullptr;  // borrowed

 private:
  static void added(GstElement*, GstPad* pad, Viewer* self) {
    const std::string name = GST_PAD_NAME(pad);
    GstCaps* caps = gst_pad_get_current_caps(pad);
    gchar* text = caps ? gst_caps_to_string(caps) : g_strdup("");
    if (caps) gst_caps_unref(caps);
    {
      const std::lock_guard guard(self->lock);
      self->pads.push_back(name);
      self->caps[name] = text;
      self->received[name];
    }
    g_free(text);
    if (self->links_) self->link(pad);
    self->changed.notify_all();
  }
  static void removed(GstElement*, GstPad* pad, Viewer* self) {
    const std::lock_guard guard(self->lock);
    std::erase(self->pads, GST_PAD_NAME(pad));
    self->changed.notify_all();
  }
  void link(GstPad* pad) {
    GstPad* sink = gst_pad_new(GST_PAD_NAME(pad), GST_PAD_SINK);
    gst_object_ref_sink(sink);
    gst_pad_set_element_private(sink, this);
    gst_pad_set_chain_function(sink, chain);
    gst_pad_set_event_function(sink, event);
    gst_pad_set_active(sink, TRUE);
    g_assert_cmpint(gst_pad_link(pad, sink), ==, GST_PAD_LINK_OK);
    const std::lock_guard guard(lock);
    sinks_.push_back(sink);
    last_pad = sink;
  }
  static GstFlowReturn chain(GstPad* pad, GstObject*, GstBuffer* buffer) {
    auto* self = static_cast<Viewer*>(gst_pad_get_element_private(pad));
    gst_buffer_unref(buffer);
    const std::lock_guard guard(self->lock);
    ++self->received[GST_PAD_NAME(pad)];
    self->changed.notify_all();
    return GST_FLOW_OK;
  }
  static gboolean event(GstPad* pad, GstObject*, GstEvent* event) {
    auto* self = static_cast<Viewer*>(gst_pad_get_element_private(pad));
    const std::lock_guard guard(self->lock);
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) ++self->ended;
    if (GST_EVENT_TYPE(event) == GST_EVENT_TAG) {
      GstTagList* tags = nullptr;
      gst_event_parse_tag(event, &tags);
      gchar* title = nullptr;
      if (gst_tag_list_get_string(tags, GST_TAG_TITLE, &title))
        self->titles[GST_PAD_NAME(pad)] = title;
      g_free(title);
    }
    gst_event_unref(event);
    self->changed.notify_all();
    return TRUE;
  }

  const bool links_;
  std::vector<GstPad*> sinks_;  // owned
};

}  // namespace videocall::testing
