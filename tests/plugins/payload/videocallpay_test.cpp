// SPDX-License-Identifier: MIT
#include <gst/audio/audio.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include <string>

#include "libvideocall/media/media_packet.h"
#include "libvideocall/wire/packet.h"
#include "tests/support/suite.h"

using namespace videocall;

namespace {

const std::string kKey("\xd0\x57\x00\x9d\x01\x2a\xa2\x00\x5a\x00rest", 14);
const std::string kDelta("\xd1\x30\x00\x07rest", 8);
constexpr const char* kVp8 = "video/x-vp8, width=162, height=90";
constexpr const char* kOpus =
    "audio/x-opus, rate=48000, channels=1, channel-mapping-family=0";

GstBuffer* frame(const std::string& payload, int number, int step_ms) {
  GstBuffer* buffer = gst_buffer_new_memdup(payload.data(), payload.size());
  GST_BUFFER_PTS(buffer) = GstClockTime(number) * step_ms * GST_MSECOND;
  GST_BUFFER_DURATION(buffer) = step_ms * GST_MSECOND;
  return buffer;
}

GstBuffer* video(const std::string& payload, int number) {
  return frame(payload, number, 33);
}

PacketRef pull(GstHarness* harness) {
  GstBuffer* buffer = gst_harness_try_pull(harness);
  ck_assert(buffer != nullptr);
  GstMapInfo map;
  ck_assert(gst_buffer_map(buffer, &map, GST_MAP_READ));
  auto packet = Packet::from_bytes({map.data, map.size});
  gst_buffer_unmap(buffer, &map);
  gst_buffer_unref(buffer);
  ck_assert(packet.ok());
  return std::move(*packet);
}

// How many force-key-unit events came out upstream since the last call.
int key_requests(GstHarness* harness) {
  int count = 0;
  while (GstEvent* event = gst_harness_try_pull_upstream_event(harness)) {
    if (gst_video_event_is_force_key_unit(event)) ++count;
    gst_event_unref(event);
  }
  return count;
}

GError* error_of(GstHarness* harness, GstBus* bus) {
  (void)harness;
  GstMessage* message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  if (!message) return nullptr;
  GError* error = nullptr;
  gst_message_parse_error(message, &error, nullptr);
  gst_message_unref(message);
  return error;
}

}  // namespace

VC_TEST(one_frame_is_one_packet) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set(harness, "videocallpay", "layer", 1, "target-kbps", 700,
                  nullptr);
  gst_harness_set_src_caps_str(harness, kVp8);
  gst_harness_push(harness, video(kKey, 0));
  gst_harness_push(harness, video(kDelta, 1));
  const PacketRef key = pull(harness);
  const PacketRef delta = pull(harness);
  const PacketFields& fields = key->fields();
  ck_assert(fields.type == PacketType::media);
  ck_assert(fields.kind == MediaKind::video);
  ck_assert_uint_eq(fields.layer, 1);
  ck_assert(fields.header.keyframe);
  ck_assert(fields.header.codec == "vp8");
  ck_assert_uint_eq(fields.header.width, 162);
  ck_assert_uint_eq(fields.header.target_kbps, 700);
  const auto media = parse_media_packet(fields.data);
  ck_assert(media.ok());
  ck_assert_uint_eq(media->payload.size(), kKey.size());
  ck_assert_uint_eq(media->duration_us, 33'000);
  const MediaHeader& next = delta->fields().header;
  ck_assert_uint_eq(next.sequence, fields.header.sequence + 1);
  ck_assert_uint_eq(next.group, fields.header.group);
  ck_assert_uint_eq(next.capture_us, fields.header.capture_us + 33'000);
  ck_assert(!next.keyframe);
  GstCaps* caps = gst_pad_get_current_caps(harness->sinkpad);
  ck_assert(gst_structure_has_name(gst_caps_get_structure(caps, 0),
                                   "application/x-videocall-packet"));
  gst_caps_unref(caps);
  gst_harness_teardown(harness);
}

VC_TEST(frames_before_a_key_frame_are_dropped_and_one_is_asked_for) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set_src_caps_str(harness, kVp8);
  key_requests(harness);
  for (int i = 0; i < 10; ++i) gst_harness_push(harness, video(kDelta, i));
  ck_assert_uint_eq(gst_harness_buffers_in_queue(harness), 0);
  ck_assert_int_eq(key_requests(harness), 1);
  // 500 ms later still nothing: once more.
  for (int i = 10; i < 20; ++i) gst_harness_push(harness, video(kDelta, i));
  ck_assert_int_eq(key_requests(harness), 1);
  gst_harness_push(harness, video(kKey, 20));
  ck_assert_uint_eq(gst_harness_buffers_in_queue(harness), 1);
  gst_harness_teardown(harness);
}

VC_TEST(a_group_that_gets_old_asks_for_a_key_frame) {
  for (const guint interval : {0u, 1000u}) {
    GstHarness* harness = gst_harness_new("videocallpay");
    gst_harness_set(harness, "videocallpay", "key-interval", interval, nullptr);
    gst_harness_set_src_caps_str(harness, kVp8);
    key_requests(harness);
    gst_harness_push(harness, video(kKey, 0));
    int asked_at = -1;
    for (int i = 1; i < 130 && asked_at < 0; ++i) {
      gst_harness_push(harness, video(kDelta, i));
      if (key_requests(harness) > 0) asked_at = i * 33;
    }
    const int limit = interval == 0 ? 4000 : int(interval);
    ck_assert_int_lt(asked_at, limit);
    ck_assert_int_gt(asked_at, limit - 200);
    gst_harness_teardown(harness);
  }
}

VC_TEST(a_request_from_downstream_passes) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set_src_caps_str(harness, kVp8);
  gst_harness_push(harness, video(kKey, 0));
  key_requests(harness);
  gst_harness_push_upstream_event(
      harness, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE,
                                                           TRUE, 1));
  ck_assert_int_eq(key_requests(harness), 1);
  // The depayloader's, of this track and of another one.
  for (const guint layer : {0u, 1u}) {
    gst_harness_push_upstream_event(
        harness,
        gst_event_new_custom(
            GST_EVENT_CUSTOM_UPSTREAM,
            gst_structure_new("videocall-keyframe-request", "session-id",
                              G_TYPE_UINT64, guint64{7}, "kind", G_TYPE_UINT,
                              1u, "layer", G_TYPE_UINT, layer, nullptr)));
    ck_assert_int_eq(key_requests(harness), layer == 0 ? 1 : 0);
  }
  gst_harness_teardown(harness);
}

VC_TEST(audio_carries_level_and_redundancy) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set_src_caps_str(harness, kOpus);
  for (int i = 0; i < 4; ++i) {
    GstBuffer* buffer = frame("\x78opus", i, 20);
    gst_buffer_add_audio_level_meta(buffer, 23, FALSE);
    gst_harness_push(harness, buffer);
  }
  for (size_t i = 0; i < 4; ++i) {
    const PacketRef packet = pull(harness);
    ck_assert(packet->fields().kind == MediaKind::audio);
    ck_assert_uint_eq(packet->fields().header.audio_level, 23);
    ck_assert(packet->fields().header.speaking);
    const auto media = parse_media_packet(packet->fields().data);
    ck_assert(media.ok());
    ck_assert_uint_eq(media->redundant_count, std::min<size_t>(i, 2));
  }
  gst_harness_teardown(harness);
}

VC_TEST(audio_of_unknown_level_counts_as_silence) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set_src_caps_str(harness, kOpus);
  gst_harness_push(harness, frame("\x78opus", 0, 20));
  const PacketRef packet = pull(harness);
  ck_assert_uint_eq(packet->fields().header.audio_level, 127);
  ck_assert(!packet->fields().header.speaking);
  gst_harness_teardown(harness);
}

VC_TEST(what_cannot_be_sent_is_refused_with_the_reason) {
  struct Case {
    const char* caps;
    const char* kind;
    const char* reason;
  };
  const Case cases[] = {
      {"audio/x-opus, channels=6, channel-mapping-family=1, stream-count=4, "
       "coupled-count=2",
       "auto", "two channels"},
      {kOpus, "video", "this is audio"},
      {kVp8, "audio", "this is video"},
      {"video/x-av1, alignment=tu, stream-format=annexb", "auto", "av1parse"},
  };
  for (const Case& it : cases) {
    GstHarness* harness = gst_harness_new("videocallpay");
    gst_util_set_object_arg(G_OBJECT(harness->element), "kind", it.kind);
    GstBus* bus = gst_bus_new();
    gst_element_set_bus(harness->element, bus);
    gst_harness_set_src_caps_str(harness, it.caps);
    ck_assert_int_eq(gst_harness_push(harness, video(kKey, 0)),
                     GST_FLOW_NOT_NEGOTIATED);
    GError* error = error_of(harness, bus);
    ck_assert(error != nullptr);
    ck_assert_msg(g_strrstr(error->message, it.reason) != nullptr, "%s",
                  error->message);
    g_error_free(error);
    gst_element_set_bus(harness->element, nullptr);
    gst_object_unref(bus);
    gst_harness_teardown(harness);
  }
}

VC_TEST(opus_of_another_length_is_refused_with_the_remedy) {
  GstHarness* harness = gst_harness_new("videocallpay");
  GstBus* bus = gst_bus_new();
  gst_element_set_bus(harness->element, bus);
  gst_harness_set_src_caps_str(harness, kOpus);
  ck_assert_int_eq(gst_harness_push(harness, frame("\x83opus\x02", 0, 10)),
                   GST_FLOW_NOT_NEGOTIATED);
  GError* error = error_of(harness, bus);
  ck_assert(error != nullptr);
  ck_assert(g_strrstr(error->message, "frame-size=20") != nullptr);
  g_error_free(error);
  gst_element_set_bus(harness->element, nullptr);
  gst_object_unref(bus);
  gst_harness_teardown(harness);
}

VC_TEST(damaged_frames_do_not_end_the_stream) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set_src_caps_str(harness, kVp8);
  gst_harness_push(harness, video(kKey, 0));
  gst_harness_push(harness, video("x", 1));
  gst_harness_push(harness, video(kDelta, 2));  // builds on what is missing
  gst_harness_push(harness, video(kKey, 3));
  ck_assert_uint_eq(gst_harness_buffers_in_queue(harness), 2);
  GstStructure* stats = nullptr;
  g_object_get(harness->element, "stats", &stats, nullptr);
  guint64 dropped = 0;
  ck_assert(gst_structure_get_uint64(stats, "dropped", &dropped));
  ck_assert_uint_eq(dropped, 2);
  gst_structure_free(stats);
  gst_harness_teardown(harness);
}

VC_TEST(a_flush_waits_for_a_key_frame_and_numbers_go_on) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set_src_caps_str(harness, kVp8);
  gst_harness_push(harness, video(kKey, 0));
  const uint64_t sequence = pull(harness)->fields().header.sequence;
  gst_harness_push_event(harness, gst_event_new_flush_start());
  gst_harness_push_event(harness, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(harness, gst_event_new_segment(&segment));
  gst_harness_push(harness, video(kDelta, 1));
  gst_harness_push(harness, video(kKey, 2));
  ck_assert_uint_eq(gst_harness_buffers_in_queue(harness), 1);
  ck_assert_uint_eq(pull(harness)->fields().header.sequence, sequence + 1);
  ck_assert(gst_harness_push_event(harness, gst_event_new_eos()));
  gst_harness_teardown(harness);
}

VC_TEST(adds_no_latency) {
  GstHarness* harness = gst_harness_new("videocallpay");
  gst_harness_set_src_caps_str(harness, kVp8);
  gst_harness_set_upstream_latency(harness, 40 * GST_MSECOND);
  ck_assert_uint_eq(gst_harness_query_latency(harness), 40 * GST_MSECOND);
  gst_harness_teardown(harness);
}

VC_TEST(starts_and_stops_over_and_over) {
  GstElement* element = gst_element_factory_make("videocallpay", nullptr);
  ck_assert(element != nullptr);
  for (int i = 0; i < 200; ++i) {
    ck_assert_int_eq(gst_element_set_state(element, GST_STATE_PLAYING),
                     GST_STATE_CHANGE_SUCCESS);
    ck_assert_int_eq(gst_element_set_state(element, GST_STATE_NULL),
                     GST_STATE_CHANGE_SUCCESS);
  }
  ck_assert_int_eq(GST_OBJECT_REFCOUNT_VALUE(element), 1);
  gst_object_unref(element);
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  return videocall::testing::run_suite("plugins/videocallpay");
}
