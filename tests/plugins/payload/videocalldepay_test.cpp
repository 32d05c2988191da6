// SPDX-License-Identifier: MIT
#include <istream>
#include <map>
#include <memory>
#include <string>

// After the standard library: it defines a macro called fail.
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#include "plugins/common/gstptr.h"
#include "tests/libvideocall/media/track_support.h"
#include "tests/support/suite.h"

using namespace videocall;
using videocall::testing::packet_of;
using videocall::testing::Sent;

namespace {

constexpr uint64_t kZero = 5'000'000;

Sent video(uint64_t sequence, bool keyframe = false) {
  Sent sent;
  sent.sequence = sequence;
  sent.keyframe = keyframe;
  sent.capture_us = kZero + sequence * 33'000;
  sent.payload = "video " + std::to_string(sequence);
  return sent;
}

Sent audio(uint64_t sequence) {
  Sent sent;
  sent.kind = MediaKind::audio;
  sent.sequence = sequence;
  sent.capture_us = kZero + sequence * 20'000;
  sent.payload = "\x78" + std::to_string(sequence);
  return sent;
}

std::string payload_of(GstBuffer* buffer) {
  std::string payload(gst_buffer_get_size(buffer), '\0');
  gst_buffer_extract(buffer, 0, payload.data(), payload.size());
  return payload;
}

void assert_text(const std::string& text, const std::string& expected) {
  ck_assert_msg(text == expected, "'%s' is not '%s'", text.c_str(),
                expected.c_str());
}

// A depayloader with a harness before it, and one behind each pad that comes.
class Bench {
 public:
  explicit Bench(guint latency_ms = 0, bool link = true) {
    in = gst_harness_new_with_padnames("videocalldepay", "sink", nullptr);
    gst_harness_use_testclock(in);
    gst_harness_set(in, "videocalldepay", "latency", latency_ms, nullptr);
    bus = gst_bus_new();
    gst_element_set_bus(in->element, bus);
    if (link)
      g_signal_connect(in->element, "pad-added", G_CALLBACK(added), this);
    gst_harness_set_src_caps_str(in,
                                 "application/x-videocall-packet, version=1");
    gst_harness_play(in);
  }
  ~Bench() {
    gst_element_set_bus(in->element, nullptr);
    gst_object_unref(bus);
    // Stop the tasks before the pads behind them go.
    GstElement* element = GST_ELEMENT(gst_object_ref(in->element));
    gst_element_set_state(element, GST_STATE_NULL);
    for (auto& [name, harness] : out) gst_harness_teardown(harness);
    gst_harness_teardown(in);
    gst_object_unref(element);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  GstFlowReturn push(const Sent& sent) {
    const PacketRef packet = packet_of(sent);
    const Bytes bytes = packet->bytes();
    return gst_harness_push(in,
                            gst_buffer_new_memdup(bytes.data(), bytes.size()));
  }
  gst::BufferPtr pull(const std::string& pad) {
    ck_assert_msg(out.contains(pad), "no pad %s", pad.c_str());
    gst::BufferPtr buffer(gst_harness_pull(out[pad]));
    ck_assert(buffer != nullptr);
    return buffer;
  }
  std::string pull_payload(const std::string& pad) {
    return payload_of(pull(pad).get());
  }
  std::string caps(const std::string& pad) {
    const gst::CapsPtr current(gst_pad_get_current_caps(out.at(pad)->sinkpad));
    return current ? gst::GStrPtr(gst_caps_to_string(current.get())).get() : "";
  }
  guint64 stat(const char* track, const char* name) {
    GstStructure* stats = nullptr;
    g_object_get(in->element, "stats", &stats, nullptr);
    GstStructure* part = nullptr;
    guint64 value = 0;
    if (*track == '\0') {
      gst_structure_get_uint64(stats, name, &value);
    } else if (gst_structure_get(stats, track, GST_TYPE_STRUCTURE, &part,
                                 nullptr)) {
      gst_structure_get_uint64(part, name, &value);
      gst_structure_free(part);
    }
    gst_structure_free(stats);
    return value;
  }
  int key_requests() {
    int count = 0;
    while (GstEvent* event = gst_harness_try_pull_upstream_event(in)) {
      if (gst_event_has_name(event, "videocall-keyframe-request")) ++count;
      gst_event_unref(event);
    }
    return count;
  }

  GstHarness* in = nullptr;
  std::map<std::string, GstHarness*> out;
  GstBus* bus = nullptr;

 private:
  static void added(GstElement* element, GstPad* pad, Bench* self) {
    const gst::GStrPtr name(gst_pad_get_name(pad));
    self->out[name.get()] =
        gst_harness_new_with_element(element, nullptr, name.get());
  }
};

}  // namespace

VC_TEST(a_pad_for_each_track) {
  Bench bench;
  Sent screen = video(1, true);
  screen.kind = MediaKind::screen;
  screen.codec = "avc1.42C015";
  bench.push(video(1, true));
  bench.push(audio(1));
  bench.push(screen);
  assert_text(bench.pull_payload("video"), "video 1");
  assert_text(bench.pull_payload("screen"), "video 1");
  assert_text(bench.pull_payload("audio"),
              "\x78"
              "1");
  assert_text(bench.caps("video"),
              "video/x-vp8, width=(int)640, height=(int)360");
  ck_assert(bench.caps("audio").starts_with(
      "audio/x-opus, rate=(int)48000, channels=(int)2"));
  ck_assert(bench.caps("screen").starts_with(
      "video/x-h264, stream-format=(string)byte-stream, "
      "alignment=(string)au"));
  ck_assert(bench.caps("screen").find("constrained-baseline") !=
            std::string::npos);
}

VC_TEST(times_and_flags) {
  Bench bench;
  gst_harness_set_time(bench.in, 10 * GST_SECOND);
  bench.push(video(1, true));
  bench.push(video(2));
  const auto key = bench.pull("video");
  const auto delta = bench.pull("video");
  // Two packets at one moment: the second waited least, the first is older.
  ck_assert_uint_eq(GST_BUFFER_PTS(delta.get()), 10 * GST_SECOND);
  ck_assert(!GST_BUFFER_FLAG_IS_SET(key.get(), GST_BUFFER_FLAG_DELTA_UNIT));
  ck_assert(GST_BUFFER_FLAG_IS_SET(key.get(), GST_BUFFER_FLAG_DISCONT));
  ck_assert(GST_BUFFER_FLAG_IS_SET(delta.get(), GST_BUFFER_FLAG_DELTA_UNIT));
  ck_assert(!GST_BUFFER_FLAG_IS_SET(delta.get(), GST_BUFFER_FLAG_DISCONT));
}

VC_TEST(all_tracks_share_one_clock) {
  Bench bench;
  gst_harness_set_time(bench.in, 10 * GST_SECOND);
  Sent sound = audio(1);
  sound.capture_us = kZero + 1'000'000;
  bench.push(sound);
  bench.pull("audio");
  // The picture of the same moment took 80 ms longer.
  gst_harness_set_time(bench.in, 10 * GST_SECOND + 80 * GST_MSECOND);
  Sent picture = video(1, true);
  picture.capture_us = sound.capture_us;
  bench.push(picture);
  ck_assert_uint_eq(GST_BUFFER_PTS(bench.pull("video").get()), 10 * GST_SECOND);
}

VC_TEST(waits_for_a_lost_frame_as_long_as_the_latency) {
  Bench bench(100);
  GstTestClock* clock = gst_harness_get_testclock(bench.in);
  bench.push(audio(1));
  bench.push(audio(3));
  // The start waits for the whole latency, then 3 waits for 2.
  ck_assert(gst_harness_wait_for_clock_id_waits(bench.in, 1, 10));
  ck_assert_uint_eq(gst_harness_buffers_in_queue(bench.out["audio"]), 0);
  ck_assert(gst_harness_crank_single_clock_wait(bench.in));
  assert_text(bench.pull_payload("audio"),
              "\x78"
              "1");
  const GstClockTime first = gst_clock_get_time(GST_CLOCK(clock));
  ck_assert_uint_eq(first, 100 * GST_MSECOND);
  assert_text(bench.pull_payload("audio"),
              "\x78"
              "3");
  ck_assert_uint_eq(bench.stat("audio", "lost"), 1);
  ck_assert_uint_eq(bench.stat("", "lost"), 1);
  gst_object_unref(clock);
}

VC_TEST(answers_latency) {
  Bench bench(120);
  gst_harness_set_upstream_latency(bench.in, 30 * GST_MSECOND);
  Sent first = video(1, true);
  bench.push(first);
  ck_assert_uint_eq(gst_harness_query_latency(bench.out["video"]),
                    150 * GST_MSECOND);
  g_object_set(bench.in->element, "latency", 50u, nullptr);
  ck_assert_uint_eq(gst_harness_query_latency(bench.out["video"]),
                    80 * GST_MSECOND);
  GstMessage* message = gst_bus_pop_filtered(bench.bus, GST_MESSAGE_LATENCY);
  ck_assert(message != nullptr);
  gst_message_unref(message);
}

VC_TEST(asks_for_key_frames) {
  Bench bench;
  bench.push(video(1));
  ck_assert_int_eq(bench.key_requests(), 1);
  bench.push(video(2));  // at the same moment: not again
  ck_assert_int_eq(bench.key_requests(), 0);
  gst_harness_set_time(bench.in, GST_SECOND);
  bench.push(video(3, true));
  bench.pull("video");
  // A decoder's wish goes the same way.
  gst_harness_push_upstream_event(bench.out["video"],
                                  gst_video_event_new_upstream_force_key_unit(
                                      GST_CLOCK_TIME_NONE, TRUE, 1));
  ck_assert_int_eq(bench.key_requests(), 1);
}

VC_TEST(a_new_codec_is_new_caps) {
  Bench bench;
  bench.push(video(1, true));
  bench.pull("video");
  Sent next = video(2, true);
  next.group = 2;
  next.codec = "vp09.00.10.08";
  bench.push(next);
  bench.pull("video");
  ck_assert(bench.caps("video").starts_with("video/x-vp9"));
}

VC_TEST(what_nobody_linked_stops_nothing) {
  Bench bench(0, false);
  for (uint64_t i = 1; i < 50; ++i) {
    ck_assert_int_eq(bench.push(video(i, i == 1)), GST_FLOW_OK);
    ck_assert_int_eq(bench.push(audio(i)), GST_FLOW_OK);
  }
  gst_harness_push_event(bench.in, gst_event_new_eos());
  ck_assert_uint_eq(bench.stat("", "received"), 98);
}

VC_TEST(other_packets_pass_by) {
  Bench bench;
  const uint8_t garbage[] = {0xff, 0xff};
  ck_assert_int_eq(gst_harness_push(bench.in, gst_buffer_new_memdup(
                                                  garbage, sizeof garbage)),
                   GST_FLOW_OK);
  PacketFields fields;
  fields.type = PacketType::member_state;
  const PacketRef packet = *Packet::build(fields);
  gst_harness_push(bench.in, gst_buffer_new_memdup(packet->bytes().data(),
                                                   packet->bytes().size()));
  ck_assert_uint_eq(bench.stat("", "malformed"), 1);
  ck_assert_uint_eq(bench.stat("", "ignored"), 1);
}

VC_TEST(encrypted_media_is_dropped_with_one_warning) {
  Bench bench;
  for (uint64_t i = 1; i <= 3; ++i) {
    Sent sent = video(i, true);
    sent.key_epoch = 1;
    bench.push(sent);
  }
  ck_assert(bench.out.empty());
  ck_assert_uint_eq(bench.stat("", "encrypted"), 3);
  int warnings = 0;
  while (GstMessage* message =
             gst_bus_pop_filtered(bench.bus, GST_MESSAGE_WARNING)) {
    ++warnings;
    gst_message_unref(message);
  }
  ck_assert_int_eq(warnings, 1);
}

VC_TEST(eos_comes_after_what_still_waited) {
  Bench bench(1000);
  for (uint64_t i = 1; i <= 5; ++i) bench.push(video(i, i == 1));
  gst_harness_push_event(bench.in, gst_event_new_eos());
  for (int i = 1; i <= 5; ++i)
    assert_text(bench.pull_payload("video"), "video " + std::to_string(i));
  for (;;) {
    const gst::EventPtr event(gst_harness_pull_event(bench.out["video"]));
    ck_assert(event != nullptr);
    if (GST_EVENT_TYPE(event.get()) == GST_EVENT_EOS) break;
  }
}

VC_TEST(a_flush_starts_anew) {
  Bench bench;
  bench.push(video(100, true));
  bench.pull("video");
  gst_harness_push_event(bench.in, gst_event_new_flush_start());
  ck_assert_int_eq(bench.push(video(101)), GST_FLOW_FLUSHING);
  gst_harness_push_event(bench.in, gst_event_new_flush_stop(TRUE));
  GstSegment segment;
  gst_segment_init(&segment, GST_FORMAT_TIME);
  gst_harness_push_event(bench.in, gst_event_new_segment(&segment));
  ck_assert_int_eq(bench.push(video(2)), GST_FLOW_OK);  // no key frame
  ck_assert_int_eq(bench.push(video(3, true)), GST_FLOW_OK);
  const auto buffer = bench.pull("video");
  assert_text(payload_of(buffer.get()), "video 3");
  ck_assert(GST_BUFFER_FLAG_IS_SET(buffer.get(), GST_BUFFER_FLAG_DISCONT));
}

VC_TEST(starts_and_stops_over_and_over) {
  for (int i = 0; i < 30; ++i) {
    Bench bench(i % 2 == 0 ? 0 : 200);
    bench.push(video(1, true));
    bench.push(audio(1));
    bench.push(audio(3));
    if (i % 3 == 0) gst_harness_push_event(bench.in, gst_event_new_eos());
    gst_element_set_state(bench.in->element, GST_STATE_NULL);
    ck_assert_uint_eq(bench.in->element->numsrcpads, 0);
  }
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  return videocall::testing::run_suite("plugins/videocalldepay");
}
