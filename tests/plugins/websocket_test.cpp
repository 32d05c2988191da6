// SPDX-License-Identifier: MIT
// websocketsrc and websocketsink together: a listener behind an HTTP server and
// callers on loopback.
#include <gst/gst.h>

#include "tests/plugins/websocketbench.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

std::string user_of(const PacketRef& packet) {
  const Bytes user = packet->fields().user_id;
  return {reinterpret_cast<const char*>(user.data()), user.size()};
}

guint uint_field(const StructurePtr& structure, const char* field) {
  guint value = 0;
  ck_assert(structure &&
            gst_structure_get_uint(structure.get(), field, &value));
  return value;
}

int refusal_of(const CallerBench& caller) {
  const StructurePtr refused = wait_message(caller.bus, "videocall-refused");
  int status = -1;
  ck_assert(refused && gst_structure_get_int(refused.get(), "status", &status));
  return status;
}

bool wait_source_eos(WebSocketCallerBench& caller) {
  for (;;) {
    GstEvent* event = gst_harness_pull_event(caller.source_harness);
    if (!event) return false;
    const bool eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    gst_event_unref(event);
    if (eos) return true;
  }
}

guint64 stat(GstElement* element, const char* field) {
  GstStructure* stats = nullptr;
  g_object_get(element, "stats", &stats, nullptr);
  guint64 value = 0;
  ck_assert(stats && gst_structure_get_uint64(stats, field, &value));
  gst_structure_free(stats);
  return value;
}

WebSocketServerBench::Decide refuse_with(guint status) {
  return [status](GstElement* source, const GstStructure* request) {
    guint64 id = 0;
    gst_structure_get_uint64(request, "request-id", &id);
    g_signal_emit_by_name(source, "refuse", id, status, "for a reason");
  };
}

}  // namespace

VC_TEST(packets_go_from_caller_to_caller) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  server.play();
  WebSocketCallerBench anna(server.uri("anna"), "anna");
  WebSocketCallerBench bert(server.uri("bert"), "bert");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
  ck_assert(wait_message(anna.bus, "videocall-connected") != nullptr);
  // Of each length that a frame's header has a form for.
  uint64_t group = 0;
  for (const size_t size : {size_t{20}, size_t{7'000}, size_t{200'000}}) {
    ++group;
    const PacketRef frame = media(
        {.group = group, .sequence = group, .keyframe = true, .size = size});
    anna.push(frame);
    const PacketRef got = bert.pull(PacketType::media);
    ck_assert(bool(got));
    ck_assert_uint_eq(got->fields().data.size(), frame->fields().data.size());
    ck_assert(user_of(got) == "anna");
  }
  ck_assert_uint_eq(stat(server.source, "sessions"), 2);
}

VC_TEST(a_sink_alone_publishes) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  server.play();
  WebSocketCallerBench viewer(server.uri("viewer"), "viewer");
  ck_assert(bool(viewer.pull(PacketType::session_assigned)));
  WebSocketCallerBench camera(server.uri("camera"), "camera", false);
  ck_assert(wait_message(camera.bus, "videocall-connected") != nullptr);
  camera.push(media({.keyframe = true}));
  ck_assert(user_of(viewer.pull(PacketType::media)) == "camera");
}

VC_TEST(a_refusal_is_told_with_its_status_and_ends_the_stream) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server(refuse_with(403));
  server.play();
  WebSocketCallerBench caller(server.uri("anna"), "anna");
  const StructurePtr refused = wait_message(caller.bus, "videocall-refused");
  int status = 0;
  ck_assert(refused && gst_structure_get_int(refused.get(), "status", &status));
  ck_assert_int_eq(status, 403);
  ck_assert_str_eq(gst_structure_get_string(refused.get(), "reason"),
                   "for a reason\n");
  ck_assert(wait_source_eos(caller));
}

VC_TEST(nobody_there_is_told_as_status_0) {
  gst_init(nullptr, nullptr);
  WebSocketCallerBench caller("ws://127.0.0.1:9/meet/demo?token=t", "anna");
  ck_assert_int_eq(refusal_of(caller), 0);
}

VC_TEST(admission_may_come_later_and_from_any_thread) {
  gst_init(nullptr, nullptr);
  std::thread worker;
  {
    WebSocketServerBench server(
        [&](GstElement* source, const GstStructure* request) {
          guint64 id = 0;
          gst_structure_get_uint64(request, "request-id", &id);
          worker = std::thread([source, id] {
            g_usleep(50'000);
            GstStructure* grant = make_grant("demo", "anna");
            g_signal_emit_by_name(source, "admit", id, grant);
            gst_structure_free(grant);
          });
        });
    server.play();
    WebSocketCallerBench caller(server.uri("anna"), "anna");
    ck_assert(bool(caller.pull(PacketType::session_assigned)));
    worker.join();
  }
}

VC_TEST(sessions_of_one_address_are_bounded) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server(admit, 1);
  server.play();
  auto first = std::make_unique<WebSocketCallerBench>(server.uri("a"), "a");
  ck_assert(bool(first->pull(PacketType::session_assigned)));
  WebSocketCallerBench second(server.uri("b"), "b");
  ck_assert_int_eq(refusal_of(second), 429);
  // Who leaves makes room.
  first.reset();
  for (gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
       stat(server.source, "sessions") > 0;)
    ck_assert(g_get_monotonic_time() < end);
  WebSocketCallerBench third(server.uri("c"), "c");
  ck_assert(bool(third.pull(PacketType::session_assigned)));
}

// Whatever they come over: one count for all listeners of an endpoint's name.
VC_TEST(sessions_of_one_address_are_bounded_over_all_transports) {
  gst_init(nullptr, nullptr);
  ServerBench webtransport(1, "default");
  g_object_set(webtransport.sources[0], "max-sessions-per-address", 1u,
               nullptr);
  webtransport.play();
  WebSocketServerBench websocket(admit, 1);
  websocket.play();
  auto first =
      std::make_unique<CallerBench>(webtransport, webtransport.uri("a"), "a");
  ck_assert(bool(first->pull(PacketType::session_assigned)));
  WebSocketCallerBench second(websocket.uri("b"), "b");
  ck_assert_int_eq(refusal_of(second), 429);
  ck_assert_uint_eq(stat(websocket.source, "connect-refused-address"), 1);
  first.reset();
  for (gint64 end = g_get_monotonic_time() + 20 * G_USEC_PER_SEC;
       stat(webtransport.sources[0], "sessions") > 0;)
    ck_assert(g_get_monotonic_time() < end);
  WebSocketCallerBench third(websocket.uri("c"), "c");
  ck_assert(bool(third.pull(PacketType::session_assigned)));
  CallerBench fourth(webtransport, webtransport.uri("d"), "d");
  ck_assert_int_eq(refusal_of(fourth), 429);
}

VC_TEST(refusals_are_counted_by_reason) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server(refuse_with(403));
  server.play();
  WebSocketCallerBench unwanted(server.uri("anna"), "a");
  ck_assert_int_eq(refusal_of(unwanted), 403);
  std::string uri = server.uri("anna");
  WebSocketCallerBench nameless(uri.replace(uri.find("demo"), 4, "!"), "b");
  ck_assert_int_eq(refusal_of(nameless), 400);
  g_signal_emit_by_name(server.source, "drain");
  WebSocketCallerBench late(server.uri("bert"), "c");
  ck_assert_int_eq(refusal_of(late), 503);
  ck_assert_uint_eq(stat(server.source, "connect-refused-program"), 1);
  ck_assert_uint_eq(stat(server.source, "connect-refused-request"), 1);
  ck_assert_uint_eq(stat(server.source, "connect-refused-draining"), 1);
}

VC_TEST(close_codes_reach_the_caller) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  server.play();
  WebSocketCallerBench caller(server.uri("anna"), "anna");
  ck_assert(bool(caller.pull(PacketType::session_assigned)));
  g_signal_emit_by_name(server.source, "close-all", 5u, "come back");
  const StructurePtr gone = wait_message(caller.bus, "videocall-disconnected");
  ck_assert_uint_eq(uint_field(gone, "code"), 5);
  ck_assert_str_eq(gst_structure_get_string(gone.get(), "reason"), "come back");
  gboolean by_peer = FALSE;
  ck_assert(gst_structure_get_boolean(gone.get(), "by-peer", &by_peer));
  ck_assert(by_peer);
  ck_assert(wait_source_eos(caller));
}

VC_TEST(draining_refuses_newcomers_and_keeps_sessions) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  server.play();
  WebSocketCallerBench anna(server.uri("anna"), "anna");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  g_signal_emit_by_name(server.source, "drain");
  WebSocketCallerBench bert(server.uri("bert"), "bert");
  ck_assert_int_eq(refusal_of(bert), 503);
  ck_assert_uint_eq(stat(server.source, "sessions"), 1);
}

VC_TEST(a_caller_that_leaves_says_so) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  server.play();
  WebSocketCallerBench viewer(server.uri("viewer"), "viewer");
  ck_assert(bool(viewer.pull(PacketType::session_assigned)));
  {
    WebSocketCallerBench anna(server.uri("anna"), "anna");
    ck_assert(bool(anna.pull(PacketType::session_assigned)));
  }
  const StructurePtr left = wait_message(server.bus, "videocall-peer-left");
  ck_assert(left != nullptr);
  ck_assert_str_eq(gst_structure_get_string(left.get(), "user-id"), "anna");
  ck_assert_str_eq(gst_structure_get_string(left.get(), "reason"), "left");
}

VC_TEST(the_server_may_stop_and_start_again) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  for (int round = 0; round < 3; ++round) {
    server.play();
    WebSocketCallerBench caller(server.uri("anna"), "anna");
    ck_assert(bool(caller.pull(PacketType::session_assigned)));
    gst_element_set_state(server.pipeline, GST_STATE_NULL);
    const StructurePtr gone =
        wait_message(caller.bus, "videocall-disconnected");
    ck_assert_uint_eq(uint_field(gone, "code"), 5);
  }
}

VC_TEST(a_flush_and_an_end_do_not_stop_the_session) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  server.play();
  WebSocketCallerBench anna(server.uri("anna"), "anna");
  WebSocketCallerBench bert(server.uri("bert"), "bert");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
  gst_element_send_event(bert.source, gst_event_new_flush_start());
  gst_element_send_event(bert.source, gst_event_new_flush_stop(TRUE));
  anna.push(media({.keyframe = true}));
  ck_assert(bool(bert.pull(PacketType::media)));
  gst_element_send_event(bert.source, gst_event_new_eos());
  ck_assert(wait_source_eos(bert));
}

VC_TEST(it_is_live_and_adds_no_latency) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;
  server.play();
  WebSocketCallerBench caller(server.uri("anna"), "anna");
  GstQuery* query = gst_query_new_latency();
  GstPad* pad = gst_element_get_static_pad(caller.source, "src");
  ck_assert(gst_pad_query(pad, query));
  gboolean live = FALSE;
  GstClockTime least = 1;
  gst_query_parse_latency(query, &live, &least, nullptr);
  ck_assert(live);
  ck_assert_uint_eq(least, 0);
  gst_object_unref(pad);
  gst_query_unref(query);
}

VC_TEST(a_uri_that_is_none_is_an_error) {
  gst_init(nullptr, nullptr);
  for (const char* uri :
       {"", "https://h/meet/x", "ws://", "wss://h:0/meet/x"}) {
    const LoneElement source(make_websocket("websocketsrc", uri, "bad"));
    ck_assert(gst_element_set_state(source.element, GST_STATE_READY) ==
              GST_STATE_CHANGE_FAILURE);
    ck_assert(wait_error(source.bus).find("ws") != std::string::npos);
  }
}

VC_TEST(endpoints_of_two_transports_share_no_name) {
  gst_init(nullptr, nullptr);
  WebSocketServerBench server;  // both elements are called "default"
  server.play();
  ServerBench other(1, "default");
  other.play();
  CallerBench anna(other, other.uri("anna"), "x");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  WebSocketCallerBench bert(server.uri("bert"), "x");
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
}

VC_SUITE_MAIN("websocket")
