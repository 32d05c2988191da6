// SPDX-License-Identifier: MIT
// Real media through a bad way between payloader and depayloader: lost
// datagrams, cut groups, left out temporal layers, reordering.
#include <atomic>
#include <cmath>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <numbers>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gst/gst.h>

#include "libvideocall/wire/packet.h"
#include "tests/support/pipeline.h"
#include "tests/support/suite.h"

using namespace videocall;
using videocall::testing::bytes_of;
using videocall::testing::Pipeline;

namespace {

// Drops what |lost| says of the packets that leave element "pay".
void lose(Pipeline& pipeline, std::function<bool(const PacketFields&)> lost) {
  GstPad* pad = gst_element_get_static_pad(pipeline.element("pay"), "src");
  gst_pad_add_probe(
      pad, GST_PAD_PROBE_TYPE_BUFFER,
      [](GstPad*, GstPadProbeInfo* info, gpointer data) {
        const auto bytes = bytes_of(GST_PAD_PROBE_INFO_BUFFER(info));
        const auto packet = Packet::from_bytes(bytes);
        ck_assert(packet.ok());
        const auto& lost =
            *static_cast<std::function<bool(const PacketFields&)>*>(data);
        return lost((*packet)->fields()) ? GST_PAD_PROBE_DROP
                                         : GST_PAD_PROBE_OK;
      },
      new std::function<bool(const PacketFields&)>(std::move(lost)),
      [](gpointer data) {
        delete static_cast<std::function<bool(const PacketFields&)>*>(data);
      });
  gst_object_unref(pad);
}

guint64 stat(Pipeline& pipeline, const char* track, const char* name) {
  GstStructure* stats = nullptr;
  GstStructure* part = nullptr;
  guint64 value = 0;
  g_object_get(pipeline.element("depay"), "stats", &stats, nullptr);
  ck_assert(
      gst_structure_get(stats, track, GST_TYPE_STRUCTURE, &part, nullptr));
  ck_assert(gst_structure_get_uint64(part, name, &value));
  gst_structure_free(part);
  gst_structure_free(stats);
  return value;
}

// vp8enc's arrays are of a type that launch lines cannot write.
void set_numbers(GstElement* element, const char* property,
                 std::initializer_list<int> numbers) {
  G_GNUC_BEGIN_IGNORE_DEPRECATIONS
  GValueArray* array = g_value_array_new(guint(numbers.size()));
  for (const int number : numbers) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, G_TYPE_INT);
    g_value_set_int(&value, number);
    g_value_array_append(array, &value);
  }
  g_object_set(element, property, array, nullptr);
  g_value_array_free(array);
  G_GNUC_END_IGNORE_DEPRECATIONS
}

// Share of |hz| in the power of |samples|.
double share_of(const std::vector<int16_t>& samples, double hz) {
  double re = 0;
  double im = 0;
  double total = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hz * double(i) / 48'000;
    re += samples[i] * std::cos(phase);
    im += samples[i] * std::sin(phase);
    total += double(samples[i]) * samples[i];
  }
  return 2 * (re * re + im * im) / (double(samples.size()) * total);
}

// Of the brightness of two pictures of 160 by 120: the mean square.
double difference(const std::vector<uint8_t>& a,
                  const std::vector<uint8_t>& b) {
  double sum = 0;
  for (size_t p = 0; p < 160 * 120; ++p) {
    const double d = double(a[p]) - double(b[p]);
    sum += d * d;
  }
  return sum / (160 * 120);
}

}  // namespace

VC_TEST(a_tone_survives_lost_datagrams) {
  std::mutex lock;
  std::vector<int16_t> samples;
  Pipeline pipeline(
      "audiotestsrc is-live=true freq=440 samplesperbuffer=960 num-buffers=100 "
      "! audio/x-raw,rate=48000,channels=1 ! opusenc ! videocallpay name=pay "
      "! videocalldepay name=depay latency=60 ! opusdec ! audioconvert "
      "! audio/x-raw,format=S16LE,channels=1,rate=48000 "
      "! fakesink name=out sync=false");
  pipeline.on_buffer("out", "sink", [&](GstBuffer* buffer) {
    const auto bytes = bytes_of(buffer);
    const std::lock_guard guard(lock);
    for (size_t i = 0; i + 1 < bytes.size(); i += 2)
      samples.push_back(int16_t(uint16_t(bytes[i] | bytes[i + 1] << 8)));
  });
  // Two of five, never three in a row.
  uint64_t count = 0;
  lose(pipeline, [&](const PacketFields&) {
    const uint64_t i = count++;
    return i > 5 && i < 95 && (i % 5 == 1 || i % 5 == 2);
  });
  pipeline.play();
  pipeline.wait_eos();
  ck_assert_uint_ge(stat(pipeline, "audio", "recovered"), 34);
  ck_assert_uint_eq(stat(pipeline, "audio", "lost"), 0);
  pipeline.stop();
  ck_assert_uint_ge(samples.size(), 48'000 * 19 / 10);
  const std::vector<int16_t> middle(samples.begin() + 24'000,
                                    samples.begin() + 72'000);
  ck_assert(share_of(middle, 440) > 0.9);
  ck_assert(share_of(middle, 450) < 0.1);
}

VC_TEST(cut_groups_leave_whole_pictures) {
  std::mutex lock;
  // By the counter that is drawn into them.
  std::vector<std::vector<uint8_t>> sent;
  std::vector<std::vector<uint8_t>> shown;
  std::vector<uint64_t> passed;
  Pipeline pipeline(
      "videotestsrc is-live=true pattern=ball num-buffers=90 "
      "! video/x-raw,format=I420,width=160,height=120,framerate=60/1 "
      "! identity name=in ! vp8enc deadline=1 keyframe-max-dist=10 "
      "target-bitrate=800000 ! videocallpay name=pay "
      "! videocalldepay name=depay latency=50 ! vp8dec "
      "! fakesink name=out sync=false");
  pipeline.on_buffer("in", "src", [&](GstBuffer* buffer) {
    const std::lock_guard guard(lock);
    sent.push_back(bytes_of(buffer));
  });
  pipeline.on_buffer("out", "sink", [&](GstBuffer* buffer) {
    const std::lock_guard guard(lock);
    shown.push_back(bytes_of(buffer));
  });
  uint64_t first = 0;
  uint64_t in_group = 0;
  lose(pipeline, [&](const PacketFields& fields) {
    const MediaHeader& header = fields.header;
    if (first == 0) first = header.sequence;
    in_group = header.keyframe ? 0 : in_group + 1;
    // Every other group is reset after its fourth frame.
    if (header.group % 2 == 1 && in_group > 3) return true;
    const std::lock_guard guard(lock);
    passed.push_back(header.sequence - first);
    return false;
  });
  pipeline.play();
  pipeline.wait_eos();
  ck_assert_uint_eq(stat(pipeline, "video", "discarded"), 0);
  pipeline.stop();
  ck_assert_uint_gt(passed.size(), 40);
  ck_assert_uint_lt(passed.size(), 80);
  // Each frame that passed is shown, and is the one that was sent.
  ck_assert_uint_eq(shown.size(), passed.size());
  for (size_t i = 0; i < shown.size(); ++i) {
    ck_assert_msg(difference(sent.at(passed[i]), shown[i]) < 100,
                  "frame %zu is damaged", i);
  }
}

VC_TEST(temporal_layers_are_told_and_may_be_left_out) {
  std::map<unsigned, int> seen;
  std::atomic<int> shown = 0;
  std::atomic<int> base = 0;
  Pipeline pipeline(
      "videotestsrc num-buffers=60 "
      "! video/x-raw,format=I420,width=160,height=120,framerate=30/1 "
      "! vp8enc name=enc deadline=1 error-resilient=default "
      "temporal-scalability-number-layers=2 "
      "temporal-scalability-periodicity=2 "
      "temporal-scalability-layer-flags=\"<no-ref-golden+no-ref-alt+no-upd-"
      "golden+no-upd-alt,no-ref-golden+no-ref-alt+no-upd-last+no-upd-golden+"
      "no-upd-alt+no-upd-entropy>\" temporal-scalability-layer-sync-flags=\"<"
      "false,true>\" ! videocallpay name=pay ! videocalldepay name=depay "
      "! vp8dec ! fakesink name=out sync=false");
  GstElement* encoder = pipeline.element("enc");
  set_numbers(encoder, "temporal-scalability-layer-id", {0, 1});
  set_numbers(encoder, "temporal-scalability-rate-decimator", {2, 1});
  set_numbers(encoder, "temporal-scalability-target-bitrate",
              {200'000, 400'000});
  pipeline.on_buffer("out", "sink", [&](GstBuffer*) { ++shown; });
  lose(pipeline, [&](const PacketFields& fields) {
    ++seen[fields.header.temporal_id];
    if (fields.header.temporal_id == 0) ++base;
    return fields.header.temporal_id > 0;
  });
  pipeline.run();
  ck_assert_int_eq(seen[0], 30);
  ck_assert_int_eq(seen[1], 30);
  ck_assert_int_eq(shown, base);
}

VC_TEST(the_level_of_raw_audio_reaches_the_packets) {
  std::atomic<unsigned> loudest = 127;
  Pipeline pipeline(
      "audiotestsrc volume=0.1 num-buffers=20 samplesperbuffer=960 "
      "! audio/x-raw,rate=48000 ! level audio-level-meta=true "
      "post-messages=false ! opusenc ! videocallpay name=pay ! fakesink");
  lose(pipeline, [&](const PacketFields& fields) {
    loudest = std::min<unsigned>(loudest, fields.header.audio_level);
    return false;
  });
  pipeline.run();
  // A sine of amplitude 0.1 has -23 dB against full scale.
  ck_assert_uint_ge(loudest, 21);
  ck_assert_uint_le(loudest, 25);
}

// Tone and flash of one moment come out at one moment, though the pictures
// take much longer on their way.
VC_TEST(lips_stay_in_sync) {
  std::mutex lock;
  std::vector<GstClockTime> pictures;
  std::vector<GstClockTime> sounds;
  Pipeline pipeline(
      "videotestsrc is-live=true num-buffers=30 "
      "! video/x-raw,width=64,height=48,framerate=30/1 ! vp8enc deadline=1 "
      "! videocallpay ! queue min-threshold-time=60000000 ! f. "
      "audiotestsrc is-live=true samplesperbuffer=960 num-buffers=50 "
      "! audio/x-raw,rate=48000 ! opusenc ! videocallpay ! f. "
      "funnel name=f ! videocalldepay name=depay latency=200 "
      "depay.video ! fakesink name=picture sync=false "
      "depay.audio ! fakesink name=sound sync=false");
  pipeline.on_buffer("picture", "sink", [&](GstBuffer* buffer) {
    const std::lock_guard guard(lock);
    pictures.push_back(GST_BUFFER_PTS(buffer));
  });
  pipeline.on_buffer("sound", "sink", [&](GstBuffer* buffer) {
    const std::lock_guard guard(lock);
    sounds.push_back(GST_BUFFER_PTS(buffer));
  });
  pipeline.run();
  ck_assert_uint_ge(pictures.size(), 25);
  ck_assert_uint_ge(sounds.size(), 45);
  // Both sources start at running time 0: frame i of each lasts 33 and 20 ms.
  // Picture 3i was taken when sound 5i was; both got the same delay.
  for (size_t i = 3; i < 8; ++i) {
    const double picture = double(pictures[3 * i]) / 1e6;
    const double sound = double(sounds[5 * i]) / 1e6;
    ck_assert_msg(std::abs(picture - sound) < 45, "%.1f ms apart",
                  picture - sound);
  }
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  return videocall::testing::run_suite("plugins/payload_network");
}
