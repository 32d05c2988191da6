// SPDX-License-Identifier: MIT
// Source and sink together: a listener pipeline and callers on loopback.
#include <gst/gst.h>

#include <thread>

#include "tests/plugins/webtransportbench.h"
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

bool wait_eos(GstBus* bus) {
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, kPatience, static_cast<GstMessageType>(GST_MESSAGE_EOS));
  if (!message) return false;
  gst_message_unref(message);
  return true;
}

// The harness of a caller's source got EOS.
bool wait_source_eos(CallerBench& caller) {
  for (;;) {
    GstEvent* event = gst_harness_pull_event(caller.source_harness);
    if (!event) return false;
    const bool eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    gst_event_unref(event);
    if (eos) return true;
  }
}

}  // namespace

VC_TEST(packets_go_from_caller_to_caller) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench anna(server, server.uri("anna"), "anna");
  CallerBench bert(server, server.uri("bert"), "bert");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
  ck_assert(wait_message(anna.bus, "videocall-connected") != nullptr);

  const PacketRef frame = media({.keyframe = true, .size = 7'000});
  anna.push(frame);
  const PacketRef got = bert.pull(PacketType::media);
  ck_assert(bool(got));
  ck_assert_uint_eq(got->fields().data.size(), frame->fields().data.size());
  ck_assert(user_of(got) == "anna");
}

VC_TEST(shards_share_one_port) {
  gst_init(nullptr, nullptr);
  ServerBench server(2);
  server.play();
  guint second = 0;
  g_object_get(server.sources[1], "port", &second, nullptr);
  ck_assert_uint_eq(second, server.port());
  std::vector<std::unique_ptr<CallerBench>> callers;
  for (int i = 0; i < 6; ++i) {
    const std::string user = "user" + std::to_string(i);
    callers.push_back(
        std::make_unique<CallerBench>(server, server.uri(user), user));
    ck_assert(bool(callers.back()->pull(PacketType::session_assigned)));
  }
  callers[0]->push(media({.keyframe = true}));
  for (size_t i = 1; i < callers.size(); ++i)
    ck_assert(bool(callers[i]->pull(PacketType::media)));
}

VC_TEST(a_sink_alone_publishes) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench viewer(server, server.uri("viewer"), "viewer");
  ck_assert(bool(viewer.pull(PacketType::session_assigned)));
  CallerBench camera(server, server.uri("camera"), "camera", false);
  ck_assert(wait_message(camera.bus, "videocall-connected") != nullptr);
  camera.push(media({.keyframe = true}));
  ck_assert(user_of(viewer.pull(PacketType::media)) == "camera");
  GstStructure* stats = nullptr;
  g_object_get(camera.sink, "stats", &stats, nullptr);
  ck_assert(gst_structure_has_field_typed(stats, "rtt", G_TYPE_UINT64));
  gst_structure_free(stats);
}

VC_TEST(a_source_takes_the_loop_over_from_a_sink) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench anna(server, server.uri("anna"), "anna", false);
  ck_assert(wait_message(anna.bus, "videocall-connected") != nullptr);
  GstElement* source = make_element("webtransportsrc");
  gst_util_set_object_arg(G_OBJECT(source), "mode", "caller");
  g_object_set(source, "endpoint", "anna", "uri", "https://unused/meet/x",
               nullptr);
  GstHarness* harness = gst_harness_new_with_element(source, nullptr, "src");
  gst_object_unref(source);
  gst_harness_play(harness);
  CallerBench bert(server, server.uri("bert"), "bert");
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
  bert.push(media({.keyframe = true}));
  GstBuffer* buffer = nullptr;
  do {  // the roster comes first
    gst_clear_buffer(&buffer);
    buffer = gst_harness_pull(harness);
    ck_assert(buffer != nullptr);
  } while (gst_buffer_get_size(buffer) < 1'000);
  gst_buffer_unref(buffer);
  gst_harness_teardown(harness);
}

VC_TEST(a_refusal_is_told_and_ends_the_stream) {
  gst_init(nullptr, nullptr);
  ServerBench server(
      1, "server", [](GstElement* source, const GstStructure* request) {
        guint64 id = 0;
        gst_structure_get_uint64(request, "request-id", &id);
        g_signal_emit_by_name(source, "refuse", id, 401u, "expired");
      });
  server.play();
  CallerBench caller(server, server.uri("anna"), "anna");
  const StructurePtr refused = wait_message(caller.bus, "videocall-refused");
  int status = 0;
  ck_assert(refused && gst_structure_get_int(refused.get(), "status", &status));
  ck_assert_int_eq(status, 401);
  ck_assert(wait_source_eos(caller));
}

VC_TEST(admission_may_come_later_and_from_any_thread) {
  gst_init(nullptr, nullptr);
  std::thread worker;
  {
    ServerBench server(
        1, "server", [&](GstElement* source, const GstStructure* request) {
          const StructurePtr asked(gst_structure_copy(request));
          guint64 id = 0;
          gst_structure_get_uint64(asked.get(), "request-id", &id);
          ck_assert_str_eq(gst_structure_get_string(asked.get(), "meeting"),
                           "demo");
          ck_assert_str_eq(gst_structure_get_string(asked.get(), "token"),
                           "anna");
          ck_assert(gst_structure_has_field(asked.get(), "remote-address"));
          worker = std::thread([source, id] {
            g_usleep(10'000);
            GstStructure* grant = make_grant("demo", "anna");
            g_signal_emit_by_name(source, "admit", id, grant);
            gst_structure_free(grant);
          });
        });
    server.play();
    CallerBench caller(server, server.uri("anna"), "anna");
    ck_assert(bool(caller.pull(PacketType::session_assigned)));
    worker.join();
  }
}

VC_TEST(drain_and_close_all_reach_callers) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench anna(server, server.uri("anna"), "anna");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  g_signal_emit_by_name(server.sources[0], "drain");
  ck_assert(wait_message(anna.bus, "videocall-draining") != nullptr);
  CallerBench late(server, server.uri("late"), "late");
  const StructurePtr refused = wait_message(late.bus, "videocall-refused");
  int status = 0;
  ck_assert(refused && gst_structure_get_int(refused.get(), "status", &status));
  ck_assert_int_eq(status, 503);
  g_signal_emit_by_name(server.sources[0], "close-all", 5u, "update");
  const StructurePtr gone = wait_message(anna.bus, "videocall-disconnected");
  ck_assert_uint_eq(uint_field(gone, "code"), 5);
  ck_assert_str_eq(gst_structure_get_string(gone.get(), "reason"), "update");
  gboolean by_peer = FALSE;
  gst_structure_get_boolean(gone.get(), "by-peer", &by_peer);
  ck_assert(by_peer);
  ck_assert(wait_source_eos(anna));
}

VC_TEST(the_router_closes_sessions_through_the_sink) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench anna(server, server.uri("anna"), "anna");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  g_signal_emit_by_name(server.router, "end-meeting", "demo");
  const StructurePtr gone = wait_message(anna.bus, "videocall-disconnected");
  ck_assert_uint_eq(uint_field(gone, "code"), 1);
}

VC_TEST(starts_and_stops_over_and_over) {
  gst_init(nullptr, nullptr);
  ServerBench server(2);
  for (int i = 0; i < 50; ++i) {
    server.play();
    ck_assert_uint_ne(server.port(), 0);
    ck_assert_int_eq(gst_element_set_state(server.pipeline, GST_STATE_NULL),
                     GST_STATE_CHANGE_SUCCESS);
    ck_assert_uint_eq(server.port(), 0);
  }
  server.play();
  for (int i = 0; i < 10; ++i) {
    // A token is good for one session.
    const std::string token = "anna" + std::to_string(i);
    CallerBench caller(server, server.uri(token), "anna");
    ck_assert(bool(caller.pull(PacketType::session_assigned)));
  }
}

VC_TEST(pausing_does_not_close_sessions) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench anna(server, server.uri("anna"), "anna");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  ck_assert_int_eq(gst_element_set_state(server.pipeline, GST_STATE_PAUSED),
                   GST_STATE_CHANGE_NO_PREROLL);
  server.play();
  CallerBench bert(server, server.uri("bert"), "bert");
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
  bert.push(media({.keyframe = true}));
  ck_assert(bool(anna.pull(PacketType::media)));
}

VC_TEST(eos_goes_through) {
  gst_init(nullptr, nullptr);
  ServerBench server(2);
  server.play();
  ck_assert(gst_element_send_event(server.pipeline, gst_event_new_eos()));
  ck_assert(wait_eos(server.bus));
}

VC_TEST(a_flush_leaves_the_stream_usable) {
  gst_init(nullptr, nullptr);
  ServerBench server;
  server.play();
  CallerBench anna(server, server.uri("anna"), "anna");
  CallerBench bert(server, server.uri("bert"), "bert");
  ck_assert(bool(anna.pull(PacketType::session_assigned)));
  ck_assert(bool(bert.pull(PacketType::session_assigned)));
  ck_assert(gst_element_send_event(bert.source, gst_event_new_flush_start()));
  ck_assert(
      gst_element_send_event(bert.source, gst_event_new_flush_stop(TRUE)));
  gst_harness_push_event(anna.sink_harness, gst_event_new_flush_start());
  gst_harness_push_event(anna.sink_harness, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(anna.sink_harness, gst_event_new_segment(&segment));
  anna.push(media({.keyframe = true}));
  ck_assert(bool(bert.pull(PacketType::media)));
}

VC_SUITE_MAIN("plugins/webtransport")
