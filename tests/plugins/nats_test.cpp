// SPDX-License-Identifier: MIT
// natssrc and natssink against a real nats-server.
#include <gst/gst.h>

#include "tests/plugins/natsbench.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

constexpr const char* kPattern = "room.{session}.{kind}.{layer}";

std::string text_of(GstBuffer* buffer) {
  GstMapInfo map;
  g_assert_true(gst_buffer_map(buffer, &map, GST_MAP_READ));
  std::string text(reinterpret_cast<const char*>(map.data), map.size);
  gst_buffer_unmap(buffer, &map);
  return text;
}

std::string text_of(const PacketRef& packet) {
  const Bytes bytes = packet->bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string text_of(const NatsClient::Message& message) {
  return {natsMsg_GetData(message.get()),
          static_cast<size_t>(natsMsg_GetDataLength(message.get()))};
}

std::string header_of(const NatsClient::Message& message, const char* name) {
  const char* value = nullptr;
  return natsMsgHeader_Get(message.get(), name, &value) == NATS_OK ? value : "";
}

// The next buffer that |source| pushes.
std::string pull(NatsBench& source) {
  GstBuffer* buffer = gst_harness_pull(source.harness);
  ck_assert_ptr_nonnull(buffer);
  std::string text = text_of(buffer);
  gst_buffer_unref(buffer);
  return text;
}

// Until |source| has subscribed nothing reaches it: |sink| says something until
// it comes. Then nothing is on its way, and all that was sent is counted: a
// packet may be there before its sender has counted it.
void wait_subscribed(NatsBench& sink, NatsBench& source) {
  uint64_t bytes = sink.stat("bytes-out");
  const auto push = [&](const PacketRef& packet) {
    bytes += packet->bytes().size();
    sink.push(packet);
  };
  const gint64 end =
      g_get_monotonic_time() + static_cast<gint64>(kPatience / GST_USECOND);
  while (source.stat("messages-in") == 0) {
    ck_assert_int_lt(g_get_monotonic_time(), end);
    push(media({.session = 1'000}));
    g_usleep(5'000);
  }
  const PacketRef last = media({.session = 1'001});
  push(last);
  while (pull(source) != text_of(last)) {
  }
  ck_assert(sink.reaches("bytes-out", bytes));
}

bool wait_eos(NatsBench& source) {
  for (;;) {
    GstEvent* event = gst_harness_pull_event(source.harness);
    if (!event) return false;
    const bool eos = GST_EVENT_TYPE(event) == GST_EVENT_EOS;
    gst_event_unref(event);
    if (eos) return true;
  }
}

}  // namespace

VC_TEST(packets_go_to_the_subject_that_the_pattern_makes) {
  const NatsServer server;
  NatsClient client(server);
  client.listen("room.>");
  NatsBench sink("natssink", server, "sink", kPattern);
  ck_assert_str_eq(sink.wait_state(true).c_str(), "");
  const PacketRef packets[] = {
      media({.kind = MediaKind::video, .session = 7, .layer = 2}),
      media({.kind = MediaKind::audio, .session = 9'007'199'254'740'991}),
      media({.kind = MediaKind::screen, .session = 1, .size = 900'000})};
  const char* subjects[] = {"room.7.video.2", "room.9007199254740991.audio.0",
                            "room.1.screen.0"};
  for (size_t i = 0; i < std::size(packets); ++i) {
    sink.push(packets[i]);
    const auto message = client.next();
    ck_assert(message != nullptr);
    ck_assert_str_eq(natsMsg_GetSubject(message.get()), subjects[i]);
    ck_assert(text_of(message) == text_of(packets[i]));
  }
  // What is no packet goes nowhere.
  const guint8 garbage[] = {0xff, 0xff};
  ck_assert_int_eq(gst_harness_push(sink.harness, gst_buffer_new_memdup(
                                                      garbage, sizeof garbage)),
                   GST_FLOW_OK);
  sink.push(packets[0]);
  ck_assert(text_of(client.next()) == text_of(packets[0]));
}

VC_TEST(headers_go_with_each_message_and_change_while_playing) {
  const NatsServer server;
  NatsClient client(server);
  client.listen("a.b");
  NatsBench sink("natssink", server, "sink", "a.b");
  sink.wait_state(true);
  const auto set = [&](GstStructure* headers) {
    g_object_set(sink.element, "headers", headers, nullptr);
    if (headers) gst_structure_free(headers);
  };
  set(gst_structure_new("headers", "Camera", G_TYPE_STRING, "north", "Number",
                        G_TYPE_INT, 5, nullptr));
  sink.push(media({}));
  auto message = client.next();
  ck_assert_str_eq(header_of(message, "Camera").c_str(), "north");
  ck_assert_str_eq(header_of(message, "Number").c_str(), "5");
  ck_assert(text_of(message) == text_of(media({})));
  set(gst_structure_new("headers", "Camera", G_TYPE_STRING, "south", nullptr));
  sink.push(media({}));
  message = client.next();
  ck_assert_str_eq(header_of(message, "Camera").c_str(), "south");
  ck_assert_str_eq(header_of(message, "Number").c_str(), "");
  set(nullptr);
  sink.push(media({}));
  message = client.next();
  ck_assert_str_eq(header_of(message, "Camera").c_str(), "");
}

VC_TEST(a_source_pushes_what_comes_on_its_subjects) {
  const NatsServer server;
  NatsClient client(server);
  NatsBench source("natssrc", server, "source", "cam.*.video, door");
  NatsBench sink("natssink", server, "sink", "door");
  source.wait_state(true);
  sink.wait_state(true);
  wait_subscribed(sink, source);
  const uint64_t before = source.stat("messages-in");
  const std::string north = text_of(media({.session = 2}));
  const std::string south = text_of(media({.session = 3}));
  client.publish("cam.north.video", north.data(), north.size());
  client.publish("cam.north.audio", north.data(), north.size());
  client.publish("doors", north.data(), north.size());
  client.publish("cam.south.video", south.data(), south.size());
  ck_assert(pull(source) == north);
  ck_assert(pull(source) == south);
  ck_assert_uint_eq(source.stat("messages-in"), before + 2);
  // What is no packet is counted and goes no further.
  client.publish("door", "\xff\xff", 2);
  ck_assert(source.reaches("invalid", 1));
  ck_assert_int_eq(
      static_cast<int>(gst_harness_buffers_in_queue(source.harness)), 0);
}

VC_TEST(one_that_has_no_subject_passes_on_what_came_on_some) {
  const NatsServer here;
  const NatsServer there;
  GstElement* pipeline = gst_pipeline_new(nullptr);
  GstElement* source = make_element("natssrc");
  GstElement* sink = make_element("natssink");
  g_object_set(source, "endpoint", "here", "servers", here.url(), "subject",
               "x.>", nullptr);
  g_object_set(sink, "endpoint", "there", "servers", there.url(), nullptr);
  gst_bin_add_many(GST_BIN(pipeline), source, sink, nullptr);
  ck_assert(gst_element_link_pads(source, "src", sink, "sink_0"));
  ck_assert_int_ne(gst_element_set_state(pipeline, GST_STATE_PLAYING),
                   GST_STATE_CHANGE_FAILURE);
  NatsClient speaker(here);
  NatsClient hearer(there);
  hearer.listen(">");
  const std::string text = text_of(media({}));
  NatsClient::Message message{nullptr, natsMsg_Destroy};
  for (int i = 0; i < 600 && !message; ++i) {
    speaker.publish("x.1", text.data(), text.size());
    message = hearer.next(50);
  }
  ck_assert(message != nullptr);
  ck_assert_str_eq(natsMsg_GetSubject(message.get()), "x.1");
  ck_assert(text_of(message) == text);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
}

VC_TEST(both_count_under_names_of_their_own) {
  const NatsServer server;
  NatsBench source("natssrc", server, "source", "s");
  NatsBench sink("natssink", server, "sink", "s");
  source.wait_state(true);
  sink.wait_state(true);
  ck_assert_str_eq(gst_structure_get_name(source.stats().get()),
                   "natssrc-stats");
  ck_assert_str_eq(gst_structure_get_name(sink.stats().get()),
                   "natssink-stats");
  wait_subscribed(sink, source);
  const auto now = [&](const NatsBench& bench, const char* way) {
    return std::pair(bench.stat((std::string("messages-") + way).c_str()),
                     bench.stat((std::string("bytes-") + way).c_str()));
  };
  const auto sent = now(sink, "out");
  const auto got = now(source, "in");
  for (int i = 0; i < 10; ++i) sink.push(media({}));
  for (int i = 0; i < 10; ++i) pull(source);
  const uint64_t bytes = 10 * media({})->bytes().size();
  ck_assert(sink.reaches("bytes-out", sent.second + bytes));
  ck_assert(now(sink, "out") ==
            std::pair(sent.first + 10, sent.second + bytes));
  ck_assert(now(source, "in") == std::pair(got.first + 10, got.second + bytes));
  ck_assert_uint_eq(source.stat("subscriptions"), 1);
  ck_assert_uint_eq(sink.stat("subscriptions"), 0);
  for (const NatsBench* bench : {&source, &sink}) {
    ck_assert_uint_eq(bench->stat("connects"), 1);
    gboolean connected = FALSE;
    gst_structure_get_boolean(bench->stats().get(), "connected", &connected);
    ck_assert(connected);
    for (const char* field : {"queued-bytes", "failed", "invalid",
                              "dropped-full", "dropped-late", "dropped-cut"})
      ck_assert_uint_eq(bench->stat(field), 0);
  }
}

VC_TEST(the_end_of_a_stream_ends_it) {
  const NatsServer server;
  NatsBench source("natssrc", server, "source", "s");
  NatsBench sink("natssink", server, "sink", "s");
  source.wait_state(true);
  sink.wait_state(true);
  ck_assert(gst_element_send_event(source.element, gst_event_new_eos()));
  ck_assert(wait_eos(source));
  ck_assert(gst_harness_push_event(sink.harness, gst_event_new_eos()));
  GstMessage* message =
      gst_bus_timed_pop_filtered(sink.bus, kPatience, GST_MESSAGE_EOS);
  ck_assert_ptr_nonnull(message);
  gst_message_unref(message);
}

VC_TEST(they_start_and_stop_as_often_as_wanted) {
  const NatsServer server;
  NatsBench source("natssrc", server, "shared", "s");
  NatsBench sink("natssink", server, "shared", "s");
  for (int i = 0; i < 20; ++i) {
    for (const GstState state : {GST_STATE_NULL, GST_STATE_PLAYING})
      for (GstElement* element : {source.element, sink.element})
        ck_assert_int_ne(gst_element_set_state(element, state),
                         GST_STATE_CHANGE_FAILURE);
    // Every second time before there is a connection.
    if (i % 2 == 0) ck_assert(source.reaches("connects", 1));
  }
  // They still do what they are for.
  NatsClient client(server);
  const std::string text = text_of(media({}));
  const gint64 end =
      g_get_monotonic_time() + static_cast<gint64>(kPatience / GST_USECOND);
  while (source.stat("messages-in") == 0) {
    ck_assert_int_lt(g_get_monotonic_time(), end);
    client.publish("s", text.data(), text.size());
    g_usleep(5'000);
  }
  ck_assert(pull(source) == text);
}

VC_TEST(a_server_that_is_absent_or_goes_is_no_error) {
  NatsServer server;
  server.kill();
  NatsBench source("natssrc", server, "source", "s");
  NatsBench sink("natssink", server, "sink", "s");
  for (const NatsBench* bench : {&source, &sink}) {
    const std::string reason = bench->wait_state(false);
    ck_assert_str_eq(reason.c_str(),
                     ("no server answers at " + std::string(server.url()) +
                      ": check the address, and that it runs")
                         .c_str());
  }
  for (int i = 0; i < 3; ++i) sink.push(media({}));
  ck_assert_uint_eq(sink.stat("dropped-unlinked"), 3);
  ck_assert_uint_eq(sink.stat("messages-out"), 0);
  for (int i = 0; i < 2; ++i) {
    server.start();
    source.wait_state(true);
    sink.wait_state(true);
    const uint64_t before = source.stat("messages-in");
    const gint64 end =
        g_get_monotonic_time() + static_cast<gint64>(kPatience / GST_USECOND);
    while (source.stat("messages-in") == before) {
      ck_assert_int_lt(g_get_monotonic_time(), end);
      // Without a key frame it would be of no use.
      sink.push(media({.keyframe = true}));
      g_usleep(5'000);
    }
    server.kill();
    source.wait_state(false);
    sink.wait_state(false);
  }
  ck_assert_uint_eq(sink.stat("connects"), 2);
  GstMessage* error = gst_bus_pop_filtered(sink.bus, GST_MESSAGE_ERROR);
  ck_assert_ptr_null(error);
}

VC_TEST(without_servers_there_is_nothing_to_connect_to) {
  gst_init(nullptr, nullptr);
  const LoneElement source(make_element("natssrc"));
  g_object_set(source.element, "endpoint", "nobody", nullptr);
  ck_assert_int_eq(gst_element_set_state(source.element, GST_STATE_PLAYING),
                   GST_STATE_CHANGE_FAILURE);
  ck_assert_str_eq(wait_error(source.bus).c_str(),
                   "no NATS servers; set servers=nats://HOST:4222.");
}

VC_SUITE_MAIN("plugins/nats")
