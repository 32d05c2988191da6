// SPDX-License-Identifier: MIT
// Real encoders, videocallpay, videocalldepay, real decoders: what comes out
// is compared with what went in.
#include <gst/gst.h>

#include <cmath>
#include <mutex>
#include <numbers>
#include <string>
#include <vector>

#include "tests/support/pipeline.h"
#include "tests/support/suite.h"

using videocall::testing::bytes_of;
using videocall::testing::Pipeline;

namespace {

using Frames = std::vector<std::vector<uint8_t>>;

// Peak signal to noise ratio of the luma plane, dB.
double psnr(const std::vector<uint8_t>& a, const std::vector<uint8_t>& b,
            size_t luma) {
  double sum = 0;
  for (size_t i = 0; i < luma; ++i) {
    const double d = double(a[i]) - double(b[i]);
    sum += d * d;
  }
  const double mse = sum / double(luma);
  return mse == 0 ? 99 : 10 * std::log10(255.0 * 255.0 / mse);
}

// Power of |hz| in |samples|, relative to their whole power.
double share_of(const std::vector<int16_t>& samples, double hz, double rate) {
  double re = 0;
  double im = 0;
  double total = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hz * double(i) / rate;
    re += samples[i] * std::cos(phase);
    im += samples[i] * std::sin(phase);
    total += double(samples[i]) * samples[i];
  }
  return total == 0
             ? 0
             : 2 * (re * re + im * im) / (double(samples.size()) * total);
}

struct Videos {
  Frames sent;
  Frames shown;
  std::vector<GstClockTime> times;
};

// Sends |count| frames of a moving picture through |codec| ("vp8enc ... !
// ..."), 160x120, and collects both ends.
Videos send_video(const std::string& encoder, const std::string& decoder,
                  int count, const std::string& between = "") {
  Videos videos;
  std::mutex lock;
  Pipeline pipeline(
      "videotestsrc pattern=ball num-buffers=" + std::to_string(count) +
      " ! video/x-raw,format=I420,width=160,height=120,framerate=30/1 "
      "! identity name=in ! " +
      encoder + " ! videocallpay name=pay ! " + between + " videocalldepay ! " +
      decoder +
      " ! videoconvert ! video/x-raw,format=I420 ! fakesink name=out "
      "sync=false");
  pipeline.on_buffer("in", "src", [&](GstBuffer* buffer) {
    const std::lock_guard guard(lock);
    videos.sent.push_back(bytes_of(buffer));
  });
  pipeline.on_buffer("out", "sink", [&](GstBuffer* buffer) {
    const std::lock_guard guard(lock);
    videos.shown.push_back(bytes_of(buffer));
    videos.times.push_back(GST_BUFFER_PTS(buffer));
  });
  pipeline.run();
  return videos;
}

void assert_same_pictures(const Videos& videos, size_t count) {
  ck_assert_uint_eq(videos.sent.size(), count);
  ck_assert_uint_eq(videos.shown.size(), count);
  for (size_t i = 0; i < count; ++i) {
    const double quality = psnr(videos.sent[i], videos.shown[i], 160 * 120);
    ck_assert_msg(quality > 28, "frame %zu: %.1f dB", i, quality);
  }
  for (size_t i = 1; i < count; ++i) {
    const auto step = GST_CLOCK_DIFF(videos.times[i - 1], videos.times[i]);
    ck_assert_int_ge(step, 33 * GST_MSECOND);
    ck_assert_int_le(step, 34 * GST_MSECOND);
  }
}

}  // namespace

VC_TEST(vp8_comes_out_as_it_went_in) {
  assert_same_pictures(
      send_video("vp8enc deadline=1 target-bitrate=800000", "vp8dec", 60), 60);
}

VC_TEST(vp9_comes_out_as_it_went_in) {
  assert_same_pictures(
      send_video("vp9enc deadline=1 cpu-used=8 target-bitrate=800000", "vp9dec",
                 40),
      40);
}

VC_TEST(av1_comes_out_as_it_went_in) {
  assert_same_pictures(send_video("av1enc usage-profile=realtime cpu-used=10 "
                                  "target-bitrate=800 lag-in-frames=0",
                                  "av1dec", 20),
                       20);
}

VC_TEST(h264_comes_out_as_it_went_in) {
  assert_same_pictures(
      send_video("x264enc tune=zerolatency speed-preset=ultrafast bitrate=800 "
                 "key-int-max=15",
                 "openh264dec", 40),
      40);
}

VC_TEST(opus_comes_out_with_its_tone) {
  std::mutex lock;
  std::vector<int16_t> samples;
  Pipeline pipeline(
      "audiotestsrc freq=440 samplesperbuffer=960 num-buffers=100 "
      "! audio/x-raw,rate=48000,channels=1 ! opusenc ! videocallpay "
      "! videocalldepay ! opusdec ! audioconvert "
      "! audio/x-raw,format=S16LE,channels=1,rate=48000 "
      "! fakesink name=out sync=false");
  pipeline.on_buffer("out", "sink", [&](GstBuffer* buffer) {
    const auto bytes = bytes_of(buffer);
    const std::lock_guard guard(lock);
    for (size_t i = 0; i + 1 < bytes.size(); i += 2)
      samples.push_back(int16_t(uint16_t(bytes[i] | bytes[i + 1] << 8)));
  });
  pipeline.run();
  ck_assert_uint_ge(samples.size(), 48'000 * 19 / 10);
  // Away from the start, where the codec settles.
  const std::vector<int16_t> middle(samples.begin() + 24'000,
                                    samples.begin() + 72'000);
  ck_assert(share_of(middle, 440, 48'000) > 0.9);
  ck_assert(share_of(middle, 450, 48'000) < 0.1);
}

VC_TEST(runs_again_and_again) {
  Pipeline pipeline(
      "videotestsrc num-buffers=10 ! video/x-raw,width=64,height=48 "
      "! vp8enc deadline=1 ! videocallpay ! videocalldepay name=depay "
      "vp8dec name=dec ! fakesink name=out sync=false");
  // gst_parse_launch links a sometimes pad once; this one comes each time.
  g_signal_connect(pipeline.element("depay"), "pad-added",
                   G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer sink) {
                     GstPad* peer =
                         gst_element_get_static_pad(GST_ELEMENT(sink), "sink");
                     ck_assert_int_eq(gst_pad_link(pad, peer), GST_PAD_LINK_OK);
                     gst_object_unref(peer);
                   }),
                   pipeline.element("dec"));
  int frames = 0;
  pipeline.on_buffer("out", "sink", [&](GstBuffer*) { ++frames; });
  for (int round = 1; round <= 20; ++round) {
    pipeline.run();
    ck_assert_int_eq(frames, round * 10);
  }
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  return videocall::testing::run_suite("plugins/payload_roundtrip");
}
