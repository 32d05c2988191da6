// SPDX-License-Identifier: MIT
// Encoders found upstream, reconfigured and put to rest while they run.
#include "plugins/videocall/encodercontrol.h"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "tests/support/suite.h"

GST_DEBUG_CATEGORY(gst_videocall_bins_debug);

using videocall::gst::EncoderControl;
using videocall::gst::ObjectPtr;

namespace {

// A pipeline with elements "source", "encoder" and "sink", playing.
class Bench {
 public:
  explicit Bench(const std::string& text) {
    gst_init(nullptr, nullptr);
    GST_DEBUG_CATEGORY_INIT(gst_videocall_bins_debug, "videocallbins", 0, "");
    GError* error = nullptr;
    pipeline_.reset(gst_parse_launch(text.c_str(), &error));
    ck_assert_msg(!error, "%s", error ? error->message : "");
    count(pad("source", "src"), made);
    count(sink(), arrived);
  }
  ~Bench() { gst_element_set_state(pipeline_.get(), GST_STATE_NULL); }

  void play() { gst_element_set_state(pipeline_.get(), GST_STATE_PLAYING); }
  [[nodiscard]] GstPad* sink() { return pad("sink", "sink"); }
  [[nodiscard]] int number(const char* property) const {
    const ObjectPtr<GstElement> encoder(
        gst_bin_get_by_name(GST_BIN(pipeline_.get()), "encoder"));
    gint value = 0;
    g_object_get(encoder.get(), property, &value, nullptr);
    return value;
  }
  template <typename Condition>
  static bool until(Condition condition) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    return true;
  }

  std::atomic<int> made{0};
  std::atomic<int> arrived{0};

 private:
  // Borrowed from the pipeline.
  GstPad* pad(const char* element, const char* name) {
    const ObjectPtr<GstElement> owner(
        gst_bin_get_by_name(GST_BIN(pipeline_.get()), element));
    const ObjectPtr<GstPad> found(
        gst_element_get_static_pad(owner.get(), name));
    return found.get();
  }
  static void count(GstPad* pad, std::atomic<int>& into) {
    gst_pad_add_probe(
        pad, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo*, gpointer data) {
          ++*static_cast<std::atomic<int>*>(data);
          return GST_PAD_PROBE_OK;
        },
        &into, nullptr);
  }

  ObjectPtr<GstElement> pipeline_;
};

constexpr char kSource[] =
    "videotestsrc name=source is-live=true ! "
    "video/x-raw,width=64,height=48,framerate=50/1 ! ";
const std::string kVp8 =
    std::string(kSource) +
    "vp8enc name=encoder deadline=1 target-bitrate=800000 ! ";
constexpr char kSink[] = "fakesink name=sink async=false";

}  // namespace

VC_TEST(the_bitrate_follows_within_the_ceiling) {
  Bench bench(kVp8 + "identity ! " + kSink);
  bench.play();
  ck_assert(bench.until([&] { return bench.arrived > 2; }));
  {
    EncoderControl control(bench.sink());
    ck_assert_double_eq(control.ceiling_kbps(), 800);
    control.set_kbps(300);
    ck_assert_int_eq(bench.number("target-bitrate"), 300'000);
    control.set_kbps(305);  // not worth it
    ck_assert_int_eq(bench.number("target-bitrate"), 300'000);
    control.set_kbps(5'000);
    ck_assert_int_eq(bench.number("target-bitrate"), 800'000);
    control.set_kbps(100);
    const int before = bench.arrived;
    ck_assert(bench.until([&] { return bench.arrived > before + 3; }));
  }
  // Back to what it was.
  ck_assert_int_eq(bench.number("target-bitrate"), 800'000);
}

VC_TEST(each_encoder_has_its_own_unit) {
  Bench bench(std::string(kSource) +
              "x264enc name=encoder tune=zerolatency bitrate=700 ! "
              "h264parse ! " +
              kSink);
  bench.play();
  ck_assert(bench.until([&] { return bench.arrived > 2; }));
  EncoderControl control(bench.sink());
  ck_assert_double_eq(control.ceiling_kbps(), 700);
  control.set_kbps(200);
  ck_assert_int_eq(bench.number("bitrate"), 200);
}

VC_TEST(an_encoder_at_rest_gets_no_pictures) {
  Bench bench(kVp8 + kSink);
  bench.play();
  ck_assert(bench.until([&] { return bench.arrived > 2; }));
  EncoderControl control(bench.sink());
  ck_assert(!control.set_running(true));  // it does already
  ck_assert(!control.set_running(false));
  // What was in it may still come.
  int made = bench.made;
  ck_assert(bench.until([&] { return bench.made > made + 3; }));
  const int arrived = bench.arrived;
  made = bench.made;
  ck_assert(bench.until([&] { return bench.made > made + 20; }));
  ck_assert_int_eq(bench.arrived, arrived);
  ck_assert(control.set_running(true));
  ck_assert(bench.until([&] { return bench.arrived > arrived + 5; }));
}

VC_TEST(an_encoder_in_a_bin_is_found) {
  Bench bench(
      "videotestsrc name=source is-live=true ! "
      "( vp8enc name=encoder deadline=1 target-bitrate=400000 ! "
      "identity ) ! " +
      std::string(kSink));
  bench.play();
  ck_assert(bench.until([&] { return bench.arrived > 2; }));
  EncoderControl control(bench.sink());
  ck_assert_double_eq(control.ceiling_kbps(), 400);
}

VC_TEST(what_others_live_of_is_left_alone) {
  Bench bench(kVp8 + "tee name=t t. ! queue ! " + kSink +
              " t. ! queue ! fakesink async=false");
  bench.play();
  ck_assert(bench.until([&] { return bench.arrived > 2; }));
  EncoderControl control(bench.sink());
  ck_assert_double_eq(control.ceiling_kbps(), 0);
  control.set_kbps(100);
  ck_assert(!control.set_running(false));
  ck_assert_int_eq(bench.number("target-bitrate"), 800'000);
  const int before = bench.arrived;
  ck_assert(bench.until([&] { return bench.arrived > before + 3; }));
}

VC_TEST(without_an_encoder_nothing_happens) {
  Bench bench("fakesrc name=source is-live=true ! " + std::string(kSink));
  EncoderControl control(bench.sink());
  ck_assert_double_eq(control.ceiling_kbps(), 0);
  control.set_kbps(100);
  ck_assert(!control.set_running(false));
}

VC_SUITE_MAIN("plugin/encodercontrol")
