// SPDX-License-Identifier: MIT
// A listener pipeline (sources, router, sink) and callers on loopback, in one
// process.
#pragma once

#include <gst/check/gstharness.h>
#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libvideocall/wire/packet.h"

namespace videocall::testing {

inline constexpr GstClockTime kPatience = 30 * GST_SECOND;

struct StructureFree {
  void operator()(GstStructure* s) const { gst_structure_free(s); }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

inline GstElement* make_element(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  g_assert_nonnull(element);
  return element;
}

// The next element message called |name|; nothing if none came in time.
inline StructurePtr wait_message(GstBus* bus, const char* name,
                                 GstClockTime timeout = kPatience) {
  const gint64 end =
      g_get_monotonic_time() + static_cast<gint64>(timeout / GST_USECOND);
  while (true) {
    const gint64 left = end - g_get_monotonic_time();
    if (left <= 0) return nullptr;
    GstMessage* message = gst_bus_timed_pop_filtered(
        bus, static_cast<GstClockTime>(left) * GST_USECOND,
        GST_MESSAGE_ELEMENT);
    if (!message) return nullptr;
    StructurePtr found;
    if (gst_message_has_name(message, name))
      found.reset(gst_structure_copy(gst_message_get_structure(message)));
    gst_message_unref(message);
    if (found) return found;
  }
}

// The text of the next error message, and its debug text is not looked at.
inline std::string wait_error(GstBus* bus) {
  GstMessage* message =
      gst_bus_timed_pop_filtered(bus, kPatience, GST_MESSAGE_ERROR);
  if (!message) return "";
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  std::string text = error->message;
  g_error_free(error);
  gst_message_unref(message);
  return text;
}

// An element on its own, with a bus, until the end of the scope.
class LoneElement {
 public:
  // |element| is floating.
  explicit LoneElement(GstElement* e)
      : element(GST_ELEMENT(gst_object_ref_sink(e))), bus(gst_bus_new()) {
    gst_element_set_bus(element, bus);
  }
  ~LoneElement() {
    gst_element_set_state(element, GST_STATE_NULL);
    gst_element_set_bus(element, nullptr);
    gst_object_unref(bus);
    gst_object_unref(element);
  }
  LoneElement(const LoneElement&) = delete;
  LoneElement& operator=(const LoneElement&) = delete;

  GstElement* const element;
  GstBus* const bus;
};

inline GstStructure* make_grant(const char* meeting, const char* user) {
  return gst_structure_new("grant", "session-id", G_TYPE_UINT64, guint64{0},
                           "meeting", G_TYPE_STRING, meeting, "user-id",
                           G_TYPE_STRING, user, "display-name", G_TYPE_STRING,
                           user, "role", G_TYPE_UINT, 2u, "token-id",
                           G_TYPE_STRING, user, "resumes", G_TYPE_BOOLEAN,
                           FALSE, "remote-address", G_TYPE_STRING, "", nullptr);
}

// Admits who asks; the token of a caller is its user.
inline void admit(GstElement* source, const GstStructure* request) {
  guint64 id = 0;
  gst_structure_get_uint64(request, "request-id", &id);
  GstStructure* grant = make_grant(gst_structure_get_string(request, "meeting"),
                                   gst_structure_get_string(request, "token"));
  g_signal_emit_by_name(source, "admit", id, grant);
  gst_structure_free(grant);
}

// sources ! router ! sink on a free port; the token of a caller is its user.
class ServerBench {
 public:
  using Decide = std::function<void(GstElement* source, const GstStructure*)>;

  explicit ServerBench(guint shards = 1, const char* endpoint = "server",
                       Decide decide = {})
      : decide_(decide ? std::move(decide) : admit) {
    pipeline = gst_pipeline_new(nullptr);
    router = make_element("videocallrouter");
    sink = make_element("webtransportsink");
    g_object_set(sink, "endpoint", endpoint, nullptr);
    gst_bin_add_many(GST_BIN(pipeline), router, sink, nullptr);
    for (guint i = 0; i < shards; ++i) add_shard(i, shards, endpoint);
    bus = gst_element_get_bus(pipeline);
  }
  ~ServerBench() {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
  }
  ServerBench(const ServerBench&) = delete;
  ServerBench& operator=(const ServerBench&) = delete;

  void play() {
    g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_PLAYING), !=,
                    GST_STATE_CHANGE_FAILURE);
  }
  guint port() const {
    guint port = 0;
    g_object_get(sources[0], "port", &port, nullptr);
    return port;
  }
  std::string uri(const std::string& user,
                  const std::string& meeting = "demo") const {
    return "https://127.0.0.1:" + std::to_string(port()) + "/meet/" + meeting +
           "?token=" + user + "&v=1";
  }
  // Transfer full.
  gchar** hashes() const {
    gchar** value = nullptr;
    g_object_get(sources[0], "certificate-hashes", &value, nullptr);
    return value;
  }

  GstElement* pipeline;
  GstElement* router;
  GstElement* sink;
  std::vector<GstElement*> sources;
  GstBus* bus;

 private:
  void add_shard(guint shard, guint shards, const char* endpoint) {
    GstElement* source = make_element("webtransportsrc");
    g_object_set(source, "endpoint", endpoint, "address", "127.0.0.1:0",
                 "shard", shard, "shards", shards, nullptr);
    g_signal_connect(source, "session-request", G_CALLBACK(on_request), this);
    gst_bin_add(GST_BIN(pipeline), source);
    const std::string in = "sink_" + std::to_string(shard);
    const std::string out = "src_" + std::to_string(shard);
    g_assert_true(gst_element_link_pads(source, "src", router, in.c_str()));
    g_assert_true(gst_element_link_pads(router, out.c_str(), sink, in.c_str()));
    sources.push_back(source);
  }
  static void on_request(GstElement* source, const GstStructure* request,
                         ServerBench* self) {
    self->decide_(source, request);
  }

  Decide decide_;
};

// A source and a sink of one caller session.
class CallerBench {
 public:
  CallerBench(const ServerBench& server, const std::string& uri,
              const std::string& endpoint, bool with_source = true)
      : CallerBench(with_source
                        ? make_caller("webtransportsrc", server, uri, endpoint)
                        : nullptr,
                    make_caller("webtransportsink", server, uri, endpoint)) {}
  // Takes floating elements in mode=caller; |caller_source| may be nullptr.
  CallerBench(GstElement* caller_source, GstElement* caller_sink)
      : source(caller_source), sink(caller_sink), bus(gst_bus_new()) {
    if (source) {
      take(source);
      source_harness = gst_harness_new_with_element(source, nullptr, "src");
      gst_harness_play(source_harness);
    }
    take(sink);
    sink_harness = gst_harness_new_with_element(sink, "sink_0", nullptr);
    gst_harness_set_src_caps_str(sink_harness,
                                 "application/x-videocall-packet, "
                                 "version=(int)1");
  }
  ~CallerBench() {
    if (source) {
      gst_element_set_bus(source, nullptr);
      gst_harness_teardown(source_harness);
      gst_object_unref(source);
    }
    gst_element_set_bus(sink, nullptr);
    gst_harness_teardown(sink_harness);
    gst_object_unref(sink);
    gst_object_unref(bus);
  }
  CallerBench(const CallerBench&) = delete;
  CallerBench& operator=(const CallerBench&) = delete;

  void push(const PacketRef& packet) {
    const Bytes bytes = packet->bytes();
    g_assert_cmpint(
        gst_harness_push(sink_harness,
                         gst_buffer_new_memdup(bytes.data(), bytes.size())),
        ==, GST_FLOW_OK);
  }
  // The next packet of |type| that comes out of the source.
  PacketRef pull(PacketType type) {
    for (;;) {
      GstBuffer* buffer = gst_harness_pull(source_harness);
      if (!buffer) return {};
      GstMapInfo map;
      gst_buffer_map(buffer, &map, GST_MAP_READ);
      auto packet = Packet::from_bytes({map.data, map.size});
      gst_buffer_unmap(buffer, &map);
      gst_buffer_unref(buffer);
      if (packet && (*packet)->fields().type == type) return std::move(*packet);
    }
  }

  GstElement* source;
  GstElement* sink;
  GstHarness* source_harness = nullptr;
  GstHarness* sink_harness = nullptr;
  GstBus* bus;

 private:
  static GstElement* make_caller(const char* factory, const ServerBench& server,
                                 const std::string& uri,
                                 const std::string& endpoint) {
    GstElement* element = make_element(factory);
    gchar** hashes = server.hashes();
    gst_util_set_object_arg(G_OBJECT(element), "mode", "caller");
    g_object_set(element, "endpoint", endpoint.c_str(), "uri", uri.c_str(),
                 "certificate-hashes", hashes, nullptr);
    g_strfreev(hashes);
    return element;
  }
  void take(GstElement* element) {
    gst_object_ref_sink(element);
    gst_element_set_bus(element, bus);
  }
};

}  // namespace videocall::testing
