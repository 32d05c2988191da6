// SPDX-License-Identifier: MIT
// A router with some shards, as a pipeline sees it: packets and session events
// go in on sink_N, and what comes out of src_N is kept. Threads of the test
// are the shards' streaming threads.
#pragma once

#include <gst/gst.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "plugins/common/gstvideocallpacketmeta.h"

namespace videocall::testing {

struct Received {
  PacketRef packet;
  RecipientsPtr recipients;
  int pad = 0;
};

struct Close {
  SessionHandle session;
  unsigned code = 0;
};

class RouterBench {
 public:
  explicit RouterBench(int shards) {
    router = gst_element_factory_make("videocallrouter", nullptr);
    g_assert_nonnull(router);
    gst_object_ref_sink(router);
    bus = gst_bus_new();
    gst_element_set_bus(router, bus);
    for (int i = 0; i < shards; ++i) add_shard(i);
  }

  ~RouterBench() {
    stop();
    for (Shard& shard : shards_) {
      gst_object_unref(shard.in);
      gst_object_unref(shard.out);
    }
    gst_element_set_bus(router, nullptr);
    gst_object_unref(bus);
    gst_object_unref(router);
  }

  RouterBench(const RouterBench&) = delete;
  RouterBench& operator=(const RouterBench&) = delete;

  void start() {
    for (Shard& shard : shards_) gst_pad_set_active(shard.out, TRUE);
    g_assert_cmpint(gst_element_set_state(router, GST_STATE_PLAYING), ==,
                    GST_STATE_CHANGE_SUCCESS);
    for (Shard& shard : shards_) {
      gst_pad_set_active(shard.in, TRUE);
      start_stream(shard.in);
    }
  }

  void stop() {
    gst_element_set_state(router, GST_STATE_NULL);
    for (Shard& shard : shards_) {
      gst_pad_set_active(shard.in, FALSE);
      gst_pad_set_active(shard.out, FALSE);
    }
  }

  static void start_stream(GstPad* pad) {
    gst_pad_push_event(pad, gst_event_new_stream_start("test"));
    GstCaps* caps = gst_caps_from_string(GST_VIDEOCALL_PACKET_CAPS);
    gst_pad_push_event(pad, gst_event_new_caps(caps));
    gst_caps_unref(caps);
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    gst_pad_push_event(pad, gst_event_new_segment(&segment));
  }

  GstPad* in(int shard) { return shards_.at(static_cast<size_t>(shard)).in; }

  void open(int shard, SessionHandle session, const std::string& user,
            const char* meeting = "demo", const char* token = "") {
    GstStructure* grant = gst_structure_new(
        "grant", "session-id", G_TYPE_UINT64, guint64{0}, "meeting",
        G_TYPE_STRING, meeting, "user-id", G_TYPE_STRING, user.c_str(),
        "display-name", G_TYPE_STRING, user.c_str(), "role", G_TYPE_UINT, 2u,
        "token-id", G_TYPE_STRING, token, "resumes", G_TYPE_BOOLEAN, FALSE,
        nullptr);
    GstStructure* fields =
        session_structure("videocall-session-opened", session);
    gst_structure_set(fields, "grant", GST_TYPE_STRUCTURE, grant, "address",
                      G_TYPE_STRING, "127.0.0.1", nullptr);
    gst_structure_free(grant);
    push_event(shard, fields);
  }

  void close(int shard, SessionHandle session, unsigned code = 0) {
    GstStructure* fields =
        session_structure("videocall-session-closed", session);
    gst_structure_set(fields, "code", G_TYPE_UINT, code, "reason",
                      G_TYPE_STRING, "", "by-peer", G_TYPE_BOOLEAN, TRUE,
                      nullptr);
    push_event(shard, fields);
  }

  // A buffer as a listener source makes it. The plugin owns the meta's type,
  // so it is asked for by name.
  // What a source reports of a session's link.
  void report(int shard, const LinkReport& link) {
    GBytes* bytes = g_bytes_new(&link, sizeof link);
    push_event(shard, gst_structure_new("videocall-feedback", "reports",
                                        G_TYPE_BYTES, bytes, nullptr));
    g_bytes_unref(bytes);
  }

  static GstBuffer* make_buffer(SessionHandle session, PacketRef packet) {
    GstBuffer* buffer = gst_buffer_new();
    auto* meta = reinterpret_cast<GstVideocallPacketMeta*>(gst_buffer_add_meta(
        buffer, gst_meta_get_info("GstVideocallPacketMeta"), nullptr));
    meta->packet = std::move(packet);
    meta->session = session;
    return buffer;
  }

  GstFlowReturn push(int shard, SessionHandle session,
                     const PacketFields& fields) {
    auto packet = Packet::build(fields);
    g_assert_true(packet.ok());
    return gst_pad_push(in(shard), make_buffer(session, std::move(*packet)));
  }

  void join(int shard, SessionHandle session, const std::string& user,
            const char* meeting = "demo", const char* token = "") {
    open(shard, session, user, meeting, token);
    push(shard, session, {.type = PacketType::connection});
  }

  std::vector<Received> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(received_, {});
  }
  std::vector<Close> take_closes() {
    const std::lock_guard lock(mutex_);
    return std::exchange(closes_, {});
  }
  // Waits for what the router's timer thread does: until |count| closes came
  // in all, or 5 s. They stay.
  std::vector<Close> wait_closes(size_t count) {
    std::unique_lock lock(mutex_);
    closed_.wait_for(lock, std::chrono::seconds(5),
                     [&] { return closes_.size() >= count; });
    return closes_;
  }
  // Of one output pad: how many of each event came.
  int count_events(int pad, GstEventType type) {
    const std::lock_guard lock(mutex_);
    int count = 0;
    for (const auto& [at, event] : events_) count += at == pad && event == type;
    return count;
  }

  // How many buffer lists came out.
  int lists() {
    const std::lock_guard lock(mutex_);
    return lists_;
  }

  GstElement* router = nullptr;
  GstBus* bus = nullptr;

 private:
  struct Shard {
    GstPad* in = nullptr;   // the test's src pad
    GstPad* out = nullptr;  // the test's sink pad
  };

  void add_shard(int index) {
    const std::string sink_name = "sink_" + std::to_string(index);
    const std::string src_name = "src_" + std::to_string(index);
    Shard shard;
    shard.in = gst_pad_new(nullptr, GST_PAD_SRC);
    shard.out = gst_pad_new(nullptr, GST_PAD_SINK);
    gst_object_ref_sink(shard.in);
    gst_object_ref_sink(shard.out);
    gst_pad_set_element_private(shard.out, this);
    gst_pad_set_chain_function(shard.out, &RouterBench::on_buffer);
    gst_pad_set_chain_list_function(shard.out, &RouterBench::on_list);
    gst_pad_set_event_function(shard.out, &RouterBench::on_event);
    g_object_set_data(G_OBJECT(shard.out), "index", GINT_TO_POINTER(index));
    GstPad* sink = gst_element_request_pad_simple(router, sink_name.c_str());
    GstPad* src = gst_element_get_static_pad(router, src_name.c_str());
    g_assert_nonnull(sink);
    g_assert_nonnull(src);
    g_assert_cmpint(gst_pad_link(shard.in, sink), ==, GST_PAD_LINK_OK);
    g_assert_cmpint(gst_pad_link(src, shard.out), ==, GST_PAD_LINK_OK);
    gst_object_unref(sink);
    gst_object_unref(src);
    shards_.push_back(shard);
  }

  static GstStructure* session_structure(const char* name,
                                         SessionHandle session) {
    return gst_structure_new(
        name, "endpoint", G_TYPE_UINT, guint{session.endpoint}, "shard",
        G_TYPE_UINT, guint{session.shard}, "slot", G_TYPE_UINT, session.slot,
        "generation", G_TYPE_UINT, session.generation, nullptr);
  }

  void push_event(int shard, GstStructure* fields) {
    gst_pad_push_event(
        in(shard), gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, fields));
  }

  static RouterBench* bench_of(GstPad* pad) {
    return static_cast<RouterBench*>(gst_pad_get_element_private(pad));
  }

  void keep(GstPad* pad, GstBuffer* buffer) {
    auto* meta = reinterpret_cast<GstVideocallPacketMeta*>(gst_buffer_get_meta(
        buffer, gst_meta_get_info("GstVideocallPacketMeta")->api));
    g_assert_nonnull(meta);
    g_assert_cmpuint(gst_buffer_get_size(buffer), ==, meta->packet->size());
    const std::lock_guard lock(mutex_);
    received_.push_back(
        {meta->packet, meta->recipients,
         GPOINTER_TO_INT(g_object_get_data(G_OBJECT(pad), "index"))});
  }

  static GstFlowReturn on_buffer(GstPad* pad, GstObject*, GstBuffer* buffer) {
    bench_of(pad)->keep(pad, buffer);
    gst_buffer_unref(buffer);
    return GST_FLOW_OK;
  }

  static GstFlowReturn on_list(GstPad* pad, GstObject*, GstBufferList* list) {
    const guint length = gst_buffer_list_length(list);
    for (guint i = 0; i < length; ++i)
      bench_of(pad)->keep(pad, gst_buffer_list_get(list, i));
    {
      RouterBench* bench = bench_of(pad);
      const std::lock_guard lock(bench->mutex_);
      ++bench->lists_;
    }
    gst_buffer_list_unref(list);
    return GST_FLOW_OK;
  }

  static gboolean on_event(GstPad* pad, GstObject*, GstEvent* event) {
    RouterBench* bench = bench_of(pad);
    const std::lock_guard lock(bench->mutex_);
    bench->events_.emplace_back(
        GPOINTER_TO_INT(g_object_get_data(G_OBJECT(pad), "index")),
        GST_EVENT_TYPE(event));
    if (gst_event_has_name(event, "videocall-close-session")) {
      const GstStructure* fields = gst_event_get_structure(event);
      guint endpoint = 0, shard = 0;
      Close close;
      g_assert_true(gst_structure_get(
          fields, "endpoint", G_TYPE_UINT, &endpoint, "shard", G_TYPE_UINT,
          &shard, "slot", G_TYPE_UINT, &close.session.slot, "generation",
          G_TYPE_UINT, &close.session.generation, "code", G_TYPE_UINT,
          &close.code, nullptr));
      g_assert_nonnull(gst_structure_get_string(fields, "reason"));
      close.session.endpoint = static_cast<uint16_t>(endpoint);
      close.session.shard = static_cast<uint16_t>(shard);
      bench->closes_.push_back(close);
      bench->closed_.notify_all();
    }
    gst_event_unref(event);
    return TRUE;
  }

  std::vector<Shard> shards_;
  std::condition_variable closed_;
  std::mutex mutex_;  // guards all below
  std::vector<Received> received_;
  std::vector<Close> closes_;
  int lists_ = 0;
  std::vector<std::pair<int, GstEventType>> events_;
};

inline PacketFields camera_frame(uint64_t sequence, bool keyframe,
                                 uint64_t group = 1) {
  PacketFields fields;
  fields.type = PacketType::media;
  fields.kind = MediaKind::video;
  fields.header.sequence = sequence;
  fields.header.group = group;
  fields.header.keyframe = keyframe;
  fields.header.height = 360;
  return fields;
}

inline constexpr SessionHandle kAnna{1, 0, 1, 1};
inline constexpr SessionHandle kBert{1, 1, 2, 1};

// What was sent to |session|, in order.
inline std::vector<Received> sent_to(const std::vector<Received>& all,
                                     SessionHandle session) {
  std::vector<Received> found;
  for (const Received& one : all) {
    const auto& to = one.recipients->sessions;
    if (std::find(to.begin(), to.end(), session) != to.end())
      found.push_back(one);
  }
  return found;
}

}  // namespace videocall::testing
