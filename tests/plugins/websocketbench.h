// SPDX-License-Identifier: MIT
// An HTTP server whose upgrades a websocketsrc serves, and callers on loopback,
// in one process. The server's main loop has a thread of its own.
#pragma once

#include <libsoup/soup.h>

#include <future>
#include <thread>

#include "tests/plugins/webtransportbench.h"

namespace videocall::testing {

class WebSocketServerBench {
 public:
  using Decide = std::function<void(GstElement* source, const GstStructure*)>;

  explicit WebSocketServerBench(Decide decide = {},
                                guint max_sessions_per_address = 0)
      : decide_(decide ? std::move(decide) : admit) {
    pipeline = gst_pipeline_new(nullptr);
    source = make_element("websocketsrc");
    GstElement* router = make_element("videocallrouter");
    sink = make_element("websocketsink");
    g_object_set(source, "max-sessions-per-address", max_sessions_per_address,
                 nullptr);
    gst_bin_add_many(GST_BIN(pipeline), source, router, sink, nullptr);
    g_assert_true(gst_element_link_pads(source, "src", router, "sink_0"));
    g_assert_true(gst_element_link_pads(router, "src_0", sink, "sink_0"));
    g_signal_connect(source, "session-request", G_CALLBACK(on_request), this);
    bus = gst_element_get_bus(pipeline);
    std::promise<guint> port;
    auto ready = port.get_future();
    http_ = std::thread([this, &port] { serve(port); });
    port_ = ready.get();
  }
  ~WebSocketServerBench() {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    g_main_loop_quit(loop_);
    http_.join();
    g_main_loop_unref(loop_);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
  }
  WebSocketServerBench(const WebSocketServerBench&) = delete;
  WebSocketServerBench& operator=(const WebSocketServerBench&) = delete;

  void play() {
    g_assert_cmpint(gst_element_set_state(pipeline, GST_STATE_PLAYING), !=,
                    GST_STATE_CHANGE_FAILURE);
  }
  std::string uri(const std::string& user) const {
    return "ws://127.0.0.1:" + std::to_string(port_) +
           "/meet/demo?token=" + user + "&v=1";
  }

  GstElement* pipeline;
  GstElement* source;
  GstElement* sink;
  GstBus* bus;

 private:
  void serve(std::promise<guint>& port) {
    GMainContext* context = g_main_context_new();
    g_main_context_push_thread_default(context);
    loop_ = g_main_loop_new(context, FALSE);
    SoupServer* server = soup_server_new(nullptr, nullptr);
    soup_server_add_handler(server, nullptr, on_http, this, nullptr);
    g_assert_true(soup_server_listen_local(
        server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, nullptr));
    GSList* uris = soup_server_get_uris(server);
    port.set_value(
        static_cast<guint>(g_uri_get_port(static_cast<GUri*>(uris->data))));
    g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
    g_main_loop_run(loop_);
    soup_server_disconnect(server);
    g_object_unref(server);
    while (g_main_context_iteration(context, FALSE)) {
    }
    g_main_context_pop_thread_default(context);
    g_main_context_unref(context);
  }
  static void on_http(SoupServer*, SoupServerMessage* message, const char*,
                      GHashTable*, gpointer self) {
    gboolean taken = FALSE;
    g_signal_emit_by_name(static_cast<WebSocketServerBench*>(self)->source,
                          "upgrade", message, "127.0.0.1:9", &taken);
    if (!taken) soup_server_message_set_status(message, 404, nullptr);
  }
  static void on_request(GstElement* source, const GstStructure* request,
                         WebSocketServerBench* self) {
    self->decide_(source, request);
  }

  Decide decide_;
  GMainLoop* loop_ = nullptr;
  std::thread http_;
  guint port_ = 0;
};

inline GstElement* make_websocket(const char* factory, const std::string& uri,
                                  const std::string& endpoint) {
  GstElement* element = make_element(factory);
  gst_util_set_object_arg(G_OBJECT(element), "mode", "caller");
  g_object_set(element, "endpoint", endpoint.c_str(), "uri", uri.c_str(),
               nullptr);
  return element;
}

// A source and a sink of one caller session.
class WebSocketCallerBench : public CallerBench {
 public:
  WebSocketCallerBench(const std::string& uri, const std::string& endpoint,
                       bool with_source = true)
      : CallerBench(with_source ? make_websocket("websocketsrc", uri, endpoint)
                                : nullptr,
                    make_websocket("websocketsink", uri, endpoint)) {}
};

}  // namespace videocall::testing
