// SPDX-License-Identifier: MIT
#include <gst/gst.h>

#include "tests/plugins/webtransportbench.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

GstHarness* make_sink(const char* mode, const char* endpoint) {
  gst_init(nullptr, nullptr);
  GstElement* element = make_element("webtransportsink");
  gst_util_set_object_arg(G_OBJECT(element), "mode", mode);
  g_object_set(element, "endpoint", endpoint, nullptr);
  GstHarness* harness =
      gst_harness_new_with_element(element, "sink_0", nullptr);
  gst_object_unref(element);
  return harness;
}

}  // namespace

VC_TEST(a_listener_without_an_endpoint_drops_and_goes_on) {
  GstHarness* harness = make_sink("listener", "nobody");
  gst_harness_set_src_caps_str(harness,
                               "application/x-videocall-packet, "
                               "version=(int)1");
  const PacketRef packet = media({});
  for (int i = 0; i < 3; ++i) {
    GstBuffer* buffer =
        gst_buffer_new_memdup(packet->bytes().data(), packet->bytes().size());
    ck_assert_int_eq(gst_harness_push(harness, buffer), GST_FLOW_OK);
  }
  gst_harness_teardown(harness);
}

VC_TEST(bytes_that_are_no_packet_are_dropped) {
  ServerBench* server = nullptr;
  gst_init(nullptr, nullptr);
  server = new ServerBench;
  server->play();
  {
    CallerBench caller(*server, server->uri("anna"), "anna");
    ck_assert(bool(caller.pull(PacketType::session_assigned)));
    const guint8 garbage[] = {0xff, 0xff, 0xff};
    ck_assert_int_eq(
        gst_harness_push(caller.sink_harness,
                         gst_buffer_new_memdup(garbage, sizeof garbage)),
        GST_FLOW_OK);
  }
  delete server;
}

VC_TEST(a_caller_without_uri_and_source_is_an_error) {
  gst_init(nullptr, nullptr);
  const LoneElement sink(make_element("webtransportsink"));
  gst_util_set_object_arg(G_OBJECT(sink.element), "mode", "caller");
  ck_assert_int_eq(gst_element_set_state(sink.element, GST_STATE_PLAYING),
                   GST_STATE_CHANGE_FAILURE);
  ck_assert(wait_error(sink.bus).find("uri") != std::string::npos);
}

VC_TEST(pads_are_requested_by_number_or_without) {
  gst_init(nullptr, nullptr);
  const LoneElement sink(make_element("webtransportsink"));
  GstPad* three = gst_element_request_pad_simple(sink.element, "sink_3");
  GstPad* next = gst_element_request_pad_simple(sink.element, "sink_%u");
  ck_assert_str_eq(GST_PAD_NAME(three), "sink_3");
  ck_assert_str_eq(GST_PAD_NAME(next), "sink_4");
  for (GstPad* pad : {three, next}) {
    gst_element_release_request_pad(sink.element, pad);
    gst_object_unref(pad);
  }
}

VC_TEST(eos_is_posted_once_all_pads_have_it) {
  gst_init(nullptr, nullptr);
  const LoneElement sink(make_element("webtransportsink"));
  GstPad* pads[] = {gst_element_request_pad_simple(sink.element, "sink_%u"),
                    gst_element_request_pad_simple(sink.element, "sink_%u")};
  gst_element_set_state(sink.element, GST_STATE_PLAYING);
  for (GstPad* pad : pads)
    gst_pad_send_event(pad, gst_event_new_stream_start("x"));
  gst_pad_send_event(pads[0], gst_event_new_eos());
  ck_assert(gst_bus_pop_filtered(sink.bus, GST_MESSAGE_EOS) == nullptr);
  gst_pad_send_event(pads[1], gst_event_new_eos());
  GstMessage* message = gst_bus_pop_filtered(sink.bus, GST_MESSAGE_EOS);
  ck_assert(message != nullptr);
  gst_message_unref(message);
  gst_element_set_state(sink.element, GST_STATE_NULL);
  for (GstPad* pad : pads) {
    gst_element_release_request_pad(sink.element, pad);
    gst_object_unref(pad);
  }
  ck_assert(gst_bus_pop_filtered(sink.bus, GST_MESSAGE_EOS) == nullptr);
}

VC_SUITE_MAIN("plugins/webtransportsink")
