// SPDX-License-Identifier: MIT
// The code that videocallclockoverlay draws is read again after encoders,
// converters and scalers.
#include <gst/video/video.h>

#include <mutex>
#include <string>
#include <vector>

#include "libvideocall/media/clock_code.h"
#include "tests/support/pipeline.h"
#include "tests/support/suite.h"

using videocall::ClockCode;
using videocall::testing::Pipeline;

namespace {

// The codes of all frames that come out of "videotestsrc ! |launch|"; a frame
// that cannot be read fails the test.
std::vector<ClockCode> read_all(const std::string& launch) {
  std::mutex lock;
  std::vector<ClockCode> codes;
  Pipeline pipeline("videotestsrc pattern=ball " + launch +
                    " ! videoconvert ! video/x-raw,format=GRAY8 "
                    "! fakesink name=out sync=false");
  pipeline.on_buffer("out", "sink", [&](GstBuffer* buffer) {
    GstPad* pad = gst_element_get_static_pad(pipeline.element("out"), "sink");
    GstCaps* caps = gst_pad_get_current_caps(pad);
    GstVideoInfo info;
    ck_assert(gst_video_info_from_caps(&info, caps));
    gst_caps_unref(caps);
    gst_object_unref(pad);
    GstVideoFrame frame;
    ck_assert(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
    const auto code = videocall::read_clock_code(
        {static_cast<const uint8_t*>(GST_VIDEO_FRAME_PLANE_DATA(&frame, 0)),
         size_t(GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0)), 1,
         uint32_t(GST_VIDEO_FRAME_WIDTH(&frame)),
         uint32_t(GST_VIDEO_FRAME_HEIGHT(&frame))});
    gst_video_frame_unmap(&frame);
    const std::lock_guard guard(lock);
    ck_assert_msg(code.has_value(), "%s: frame %zu is not readable",
                  launch.c_str(), codes.size());
    codes.push_back(*code);
  });
  pipeline.run();
  return codes;
}

std::string source(int count, int width, int height,
                   const std::string& format = "I420") {
  return "num-buffers=" + std::to_string(count) +
         " ! video/x-raw,format=" + format + ",width=" + std::to_string(width) +
         ",height=" + std::to_string(height) +
         ",framerate=30/1 ! videocallclockoverlay ";
}

void assert_counts(const std::vector<ClockCode>& codes, size_t count) {
  ck_assert_uint_eq(codes.size(), count);
  for (size_t i = 0; i < count; ++i) {
    ck_assert_uint_eq(codes[i].frame, i);
    ck_assert(i == 0 || codes[i].time_us >= codes[i - 1].time_us);
  }
}

}  // namespace

VC_TEST(every_format_is_drawn) {
  for (const char* format :
       {"I420", "YV12", "NV12",  "NV21", "Y42B", "Y444", "YUY2",
        "UYVY", "AYUV", "GRAY8", "RGB",  "BGR",  "RGBx", "BGRx",
        "xRGB", "xBGR", "RGBA",  "BGRA", "ARGB", "ABGR"})
    assert_counts(read_all(source(2, 320, 180, format)), 2);
}

VC_TEST(a_small_picture_at_60_kbit_is_read) {
  assert_counts(
      read_all(source(90, 160, 90) + "! vp8enc deadline=1 target-bitrate=60000 "
                                     "end-usage=cbr ! vp8dec"),
      90);
}

VC_TEST(a_large_picture_at_300_kbit_is_read) {
  assert_counts(read_all(source(20, 1280, 720) +
                         "! vp8enc deadline=1 cpu-used=8 threads=2 "
                         "target-bitrate=300000 end-usage=cbr ! vp8dec"),
                20);
}

VC_TEST(a_scaled_picture_is_read) {
  assert_counts(read_all(source(10, 1280, 720) +
                         "! videoscale ! video/x-raw,width=320,height=180 "
                         "! vp8enc deadline=1 target-bitrate=100000 ! vp8dec"),
                10);
  assert_counts(read_all(source(10, 640, 480) +
                         "! videoscale ! video/x-raw,width=200,height=150"),
                10);
}

VC_TEST(the_clock_is_the_one_that_was_asked_for) {
  const auto before = g_get_real_time();
  const auto codes = read_all(source(3, 160, 90));
  const auto after = g_get_real_time();
  ck_assert_uint_ge(codes[0].time_us, uint64_t(before));
  ck_assert_uint_le(codes[2].time_us, uint64_t(after));
  const auto monotonic_before = g_get_monotonic_time();
  const auto monotonic = read_all(source(3, 160, 90) + "clock=monotonic");
  ck_assert_uint_ge(monotonic[0].time_us, uint64_t(monotonic_before));
  ck_assert_uint_le(monotonic[2].time_us, uint64_t(g_get_monotonic_time()));
}

VC_TEST(counts_from_zero_after_each_start) {
  std::mutex lock;
  Pipeline pipeline(
      "videotestsrc num-buffers=5 ! video/x-raw,width=160,height=90 "
      "! videocallclockoverlay name=overlay ! fakesink name=out sync=false");
  for (int round = 0; round < 3; ++round) {
    pipeline.play();
    pipeline.wait_eos();
    guint frames = 0;
    g_object_get(pipeline.element("overlay"), "frames", &frames, nullptr);
    ck_assert_uint_eq(frames, 5);
    pipeline.stop();
  }
}

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  return videocall::testing::run_suite("plugins/videocallclockoverlay");
}
