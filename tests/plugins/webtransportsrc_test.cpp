// SPDX-License-Identifier: MIT
#include <gst/gst.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/plugins/webtransportbench.h"
#include "tests/support/loopback.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

struct Source : LoneElement {
  Source() : LoneElement(make()) {}
  static GstElement* make() {
    gst_init(nullptr, nullptr);
    return make_element("webtransportsrc");
  }
};

}  // namespace

VC_TEST(properties_have_their_defaults_and_keep_what_is_set) {
  Source source;
  gchar* address = nullptr;
  gchar* endpoint = nullptr;
  guint shards = 0;
  guint port = 1;
  int mode = -1;
  g_object_get(source.element, "address", &address, "endpoint", &endpoint,
               "shards", &shards, "port", &port, "mode", &mode, nullptr);
  ck_assert_str_eq(address, "127.0.0.1:4433,[::1]:4433");
  ck_assert_str_eq(endpoint, "default");
  ck_assert_uint_eq(shards, 1);
  ck_assert_uint_eq(port, 0);
  ck_assert_int_eq(mode, 0);
  g_free(address);
  g_free(endpoint);
  const gchar* hashes[] = {"a", "b", nullptr};
  gst_util_set_object_arg(G_OBJECT(source.element), "mode", "caller");
  g_object_set(source.element, "address", "[::]:1", "shard", 3u,
               "certificate-hashes", hashes, nullptr);
  gchar** kept = nullptr;
  guint shard = 0;
  g_object_get(source.element, "address", &address, "shard", &shard,
               "certificate-hashes", &kept, nullptr);
  ck_assert_str_eq(address, "[::]:1");
  ck_assert_uint_eq(shard, 3);
  ck_assert(g_strv_equal(kept, hashes));
  g_strfreev(kept);
  g_free(address);
}

VC_TEST(the_congestion_control_is_one_of_two) {
  Source source;
  GParamSpec* spec = g_object_class_find_property(
      G_OBJECT_GET_CLASS(source.element), "congestion-control");
  ck_assert(spec && G_IS_PARAM_SPEC_ENUM(spec));
  for (const char* name : {"cubic", "bbr"}) {
    gst_util_set_object_arg(G_OBJECT(source.element), "congestion-control",
                            name);
    gint value = -1;
    g_object_get(source.element, "congestion-control", &value, nullptr);
    const GEnumValue* known =
        g_enum_get_value(G_PARAM_SPEC_ENUM(spec)->enum_class, value);
    ck_assert_ptr_nonnull(known);
    ck_assert_str_eq(known->value_nick, name);
  }
  ck_assert_uint_eq(G_PARAM_SPEC_ENUM(spec)->enum_class->n_values, 2);
}

VC_TEST(the_uri_cannot_be_read_back) {
  Source source;
  GParamSpec* spec =
      g_object_class_find_property(G_OBJECT_GET_CLASS(source.element), "uri");
  ck_assert(spec && !(spec->flags & G_PARAM_READABLE));
}

VC_TEST(a_listener_knows_its_port_and_hash_once_ready) {
  Source source;
  g_object_set(source.element, "address", "127.0.0.1:0", nullptr);
  ck_assert_int_eq(gst_element_set_state(source.element, GST_STATE_READY),
                   GST_STATE_CHANGE_SUCCESS);
  guint port = 0;
  gchar** hashes = nullptr;
  GstStructure* stats = nullptr;
  g_object_get(source.element, "port", &port, "certificate-hashes", &hashes,
               "stats", &stats, nullptr);
  ck_assert_uint_ne(port, 0);
  ck_assert(hashes && hashes[0]);
  ck_assert_uint_eq(strlen(hashes[0]), 44);  // base64 of 32 bytes
  ck_assert(gst_structure_has_field_typed(stats, "sessions", G_TYPE_UINT64));
  g_strfreev(hashes);
  gst_structure_free(stats);
}

VC_TEST(a_port_that_is_taken_is_an_error_with_a_remedy) {
  // Sharing its port, as another server of this kind would.
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const std::string port = std::to_string(bind_to_loopback(fd));

  Source source;
  g_object_set(source.element, "address", ("127.0.0.1:" + port).c_str(),
               nullptr);
  ck_assert_int_eq(gst_element_set_state(source.element, GST_STATE_READY),
                   GST_STATE_CHANGE_FAILURE);
  GstMessage* message =
      gst_bus_timed_pop_filtered(source.bus, kPatience, GST_MESSAGE_ERROR);
  ck_assert(message != nullptr);
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  ck_assert(
      g_error_matches(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY));
  ck_assert(strstr(error->message, port.c_str()) != nullptr);
  ck_assert(strstr(error->message, "choose another port") != nullptr);
  g_error_free(error);
  gst_message_unref(message);
  close(fd);
}

VC_TEST(wrong_settings_are_errors) {
  {
    Source source;
    g_object_set(source.element, "address", "nowhere", nullptr);
    ck_assert_int_eq(gst_element_set_state(source.element, GST_STATE_READY),
                     GST_STATE_CHANGE_FAILURE);
    ck_assert(wait_error(source.bus).find("nowhere") != std::string::npos);
  }
  {
    Source source;
    g_object_set(source.element, "shard", 2u, "shards", 2u, nullptr);
    ck_assert_int_eq(gst_element_set_state(source.element, GST_STATE_READY),
                     GST_STATE_CHANGE_FAILURE);
    ck_assert(wait_error(source.bus).find("Shard 2") != std::string::npos);
  }
  {
    Source source;
    gst_util_set_object_arg(G_OBJECT(source.element), "mode", "caller");
    g_object_set(source.element, "uri", "http://h/meet/x?token=secret",
                 nullptr);
    ck_assert_int_eq(gst_element_set_state(source.element, GST_STATE_READY),
                     GST_STATE_CHANGE_FAILURE);
    const std::string text = wait_error(source.bus);
    ck_assert(text.find("https://") != std::string::npos);
    ck_assert(text.find("secret") == std::string::npos);
  }
}

VC_TEST(one_shard_cannot_be_run_twice) {
  gst_init(nullptr, nullptr);
  GstHarness* harnesses[2];
  GstBus* bus = gst_bus_new();
  for (GstHarness*& harness : harnesses) {
    GstElement* element = make_element("webtransportsrc");
    g_object_set(element, "address", "127.0.0.1:0", nullptr);
    harness = gst_harness_new_with_element(element, nullptr, "src");
    gst_element_set_bus(element, bus);
    gst_object_unref(element);
    gst_harness_play(harness);
  }
  ck_assert(wait_error(bus).find("has a loop already") != std::string::npos);
  for (GstHarness* harness : harnesses) {
    gst_element_set_bus(harness->element, nullptr);
    gst_harness_teardown(harness);
  }
  gst_object_unref(bus);
}

VC_TEST(it_is_live_without_latency_and_starts_its_stream) {
  gst_init(nullptr, nullptr);
  GstElement* element = make_element("webtransportsrc");
  g_object_set(element, "address", "127.0.0.1:0", nullptr);
  GstHarness* harness = gst_harness_new_with_element(element, nullptr, "src");
  gst_object_unref(element);
  gst_harness_play(harness);
  const GstEventType expected[] = {GST_EVENT_STREAM_START, GST_EVENT_CAPS,
                                   GST_EVENT_SEGMENT};
  for (const GstEventType type : expected) {
    GstEvent* event = gst_harness_pull_event(harness);
    ck_assert_int_eq(GST_EVENT_TYPE(event), type);
    gst_event_unref(event);
  }
  GstQuery* query = gst_query_new_latency();
  ck_assert(gst_element_query(harness->element, query));
  gboolean live = FALSE;
  GstClockTime least = 1;
  gst_query_parse_latency(query, &live, &least, nullptr);
  ck_assert(live && least == 0);
  gst_query_unref(query);
  gst_harness_teardown(harness);
}

VC_SUITE_MAIN("plugins/webtransportsrc")
