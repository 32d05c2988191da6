// SPDX-License-Identifier: MIT
// What is built for pads that come and go: groups, files, restarts.
#include "pipelines/dynamic.h"

#include <glib/gstdio.h>
#include <gst/gst.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "pipelines/branch.h"
#include "pipelines/pipeline.h"
#include "tests/support/suite.h"

namespace vp = videocall::pipelines;
namespace fs = std::filesystem;

namespace {

constexpr char kRecorder[] = R"(format = 1
title = "T"
launch = "bin name=in"
[[parameter]]
name = "record"
type = "file"
access = "folder"
required = true
help = "h"
file-name = "{user}-{group}.mkv"
sets = ["file.location"]
[[dynamic]]
name = "recording"
from = "in"
settle-ms = 300
launch = "matroskamux name=mux offset-to-zero=true ! filesink name=file"
[dynamic.pads]
"video_*" = "queue ! mux.video_0"
"video_* video/x-h264" = "queue ! h264parse ! mux.video_0"
"audio_*" = "queue ! mux.audio_0"
)";

constexpr char kVideo[] =
    "videotestsrc is-live=true name=source ! "
    "capsfilter name=size caps=video/x-raw,width=160,height=120,framerate=30/1 "
    "! vp8enc deadline=1 keyframe-max-dist=15";
constexpr char kH264[] =
    "videotestsrc is-live=true name=source ! "
    "capsfilter name=size caps=video/x-raw,width=160,height=120,framerate=30/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=15 ! "
    "capsfilter caps=video/x-h264,stream-format=byte-stream,alignment=au";
constexpr char kAudio[] = "audiotestsrc is-live=true ! opusenc";

class Stage {
 public:
  explicit Stage(const char* text = kRecorder) {
    gst_init(nullptr, nullptr);
    char name[] = "/tmp/videocall-dynamic-XXXXXX";
    ck_assert_ptr_nonnull(g_mkdtemp(name));
    folder_ = name;
    auto d = vp::Description::parse(text, "t.toml");
    ck_assert_msg(d.ok(), "%s", d.ok() ? "" : d.error().message.c_str());
    description_ = *std::move(d);
    vp::Settings settings(description_);
    ck_assert(settings.set("record", folder_).ok());
    auto built = vp::Pipeline::build(description_, settings);
    ck_assert_msg(built.ok(), "%s",
                  built.ok() ? "" : built.error().message.c_str());
    pipeline_ = *std::move(built);
    in_ = pipeline_->find("in");
    gst_element_set_state(pipeline_->element(), GST_STATE_PLAYING);
  }
  ~Stage() {
    pipeline_.reset();
    std::error_code error;
    fs::remove_all(folder_, error);
  }

  // A track as a remote participant's would appear.
  GstElement* add(const char* text, const std::string& pad_name) {
    GstElement* bin = gst_parse_bin_from_description(text, FALSE, nullptr);
    ck_assert_ptr_nonnull(bin);
    const vp::PadPtr inner(
        gst_bin_find_unlinked_pad(GST_BIN(bin), GST_PAD_SRC));
    GstPad* ghost = gst_ghost_pad_new("src", inner.get());
    gst_element_add_pad(bin, ghost);
    gst_bin_add(GST_BIN(in_.get()), bin);
    GstPad* out = gst_ghost_pad_new(pad_name.c_str(), ghost);
    gst_pad_set_active(out, TRUE);
    // As a source does whose pad nobody has linked yet: wait for the link.
    gst_element_add_pad(in_.get(), out);
    for (int i = 0; i < 2'000 && !gst_pad_is_linked(out); ++i) g_usleep(5'000);
    ck_assert(gst_pad_is_linked(out));
    gst_element_sync_state_with_parent(bin);
    return bin;
  }

  void remove(GstElement* bin, const std::string& pad_name) {
    const vp::PadPtr pad(
        gst_element_get_static_pad(in_.get(), pad_name.c_str()));
    gst_element_set_state(bin, GST_STATE_NULL);
    gst_element_remove_pad(in_.get(), pad.get());
    gst_bin_remove(GST_BIN(in_.get()), bin);
  }

  // The file of the next group that starts.
  std::string next_file() {
    const vp::BusPtr bus(gst_element_get_bus(pipeline_->element()));
    for (;;) {
      const vp::MessagePtr message(gst_bus_timed_pop_filtered(
          bus.get(), 20 * GST_SECOND,
          GstMessageType(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR)));
      ck_assert_msg(message != nullptr, "no group started");
      ck_assert(GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ERROR);
      const GstStructure* s = gst_message_get_structure(message.get());
      if (gst_structure_has_name(s, vp::kGroupStartedMessage))
        return gst_structure_get_string(s, "file");
      ck_assert_msg(!gst_structure_has_name(s, vp::kBranchFailedMessage), "%s",
                    gst_structure_get_string(s, "reason"));
    }
  }

  void wait_for_bytes(const std::string& file, size_t bytes) {
    std::error_code error;
    for (int i = 0; i < 4'000; ++i) {
      if (fs::exists(file, error) && fs::file_size(file, error) >= bytes)
        return;
      g_usleep(5'000);
    }
    ck_abort_msg("%s does not grow", file.c_str());
  }

  vp::Pipeline& pipeline() { return *pipeline_; }
  const std::string& folder() const { return folder_; }
  GstElement* in() { return in_.get(); }

 private:
  std::string folder_;
  vp::Description description_;
  std::unique_ptr<vp::Pipeline> pipeline_;
  vp::ElementPtr in_;
};

// The media types in a finished file; a file that was not closed in order has
// no duration.
std::set<std::string> tracks_of(const std::string& file) {
  const vp::ElementPtr pipeline(GST_ELEMENT(gst_object_ref_sink(
      gst_parse_launch("filesrc name=f ! decodebin name=d", nullptr))));
  const vp::ElementPtr source(
      gst_bin_get_by_name(GST_BIN(pipeline.get()), "f"));
  g_object_set(source.get(), "location", file.c_str(), nullptr);
  struct Seen {
    GstElement* pipeline;
    std::set<std::string> names;
  } seen{pipeline.get(), {}};
  const vp::ElementPtr decoder(
      gst_bin_get_by_name(GST_BIN(pipeline.get()), "d"));
  g_signal_connect(
      decoder.get(), "pad-added",
      G_CALLBACK(+[](GstElement*, GstPad* pad, gpointer data) {
        auto* found = static_cast<Seen*>(data);
        const vp::CapsPtr caps(gst_pad_query_caps(pad, nullptr));
        found->names.insert(
            gst_structure_get_name(gst_caps_get_structure(caps.get(), 0)));
        GstElement* sink = gst_element_factory_make("fakesink", nullptr);
        gst_bin_add(GST_BIN(found->pipeline), sink);
        gst_element_sync_state_with_parent(sink);
        const vp::PadPtr in(gst_element_get_static_pad(sink, "sink"));
        gst_pad_link(pad, in.get());
      }),
      &seen);
  gst_element_set_state(pipeline.get(), GST_STATE_PLAYING);
  const vp::BusPtr bus(gst_element_get_bus(pipeline.get()));
  const vp::MessagePtr message(gst_bus_timed_pop_filtered(
      bus.get(), 20 * GST_SECOND,
      GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR)));
  ck_assert_msg(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS,
                "%s cannot be played", file.c_str());
  gint64 duration = 0;
  ck_assert(
      gst_element_query_duration(pipeline.get(), GST_FORMAT_TIME, &duration));
  ck_assert_int_gt(duration, 0);
  gst_element_set_state(pipeline.get(), GST_STATE_NULL);
  return seen.names;
}

const std::set<std::string> kBoth = {"audio/x-raw", "video/x-raw"};
const std::set<std::string> kPicture = {"video/x-raw"};

}  // namespace

VC_TEST(one_file_for_sound_and_picture_of_one) {
  Stage stage;
  stage.pipeline().set_label("17", "user", "../a/lice");
  stage.add(kVideo, "video_17");
  stage.add(kAudio, "audio_17");
  const std::string file = stage.next_file();
  ck_assert(file == stage.folder() + "/_._a_lice-17.mkv");
  stage.wait_for_bytes(file, 20'000);
  stage.pipeline().finish_dynamics();
  ck_assert(tracks_of(file) == kBoth);
}

VC_TEST(each_group_has_a_file) {
  Stage stage;
  stage.add(kVideo, "video_17");
  stage.add(kVideo, "video_18");
  const std::string first = stage.next_file();
  const std::string second = stage.next_file();
  ck_assert(first != second);
  stage.wait_for_bytes(first, 5'000);
  stage.wait_for_bytes(second, 5'000);
  stage.pipeline().finish_dynamics();
  ck_assert(tracks_of(first) == kPicture);
  ck_assert(tracks_of(second) == kPicture);
}

VC_TEST(a_late_track_begins_a_new_file) {
  Stage stage;
  stage.add(kVideo, "video_17");
  const std::string first = stage.next_file();
  stage.wait_for_bytes(first, 5'000);
  stage.add(kAudio, "audio_17");
  const std::string second = stage.next_file();
  stage.wait_for_bytes(second, 20'000);
  stage.pipeline().finish_dynamics();
  ck_assert(tracks_of(first) == kPicture);
  ck_assert(tracks_of(second) == kBoth);
}

namespace {

void resize(GstElement* video) {
  const vp::ElementPtr size(gst_bin_get_by_name(GST_BIN(video), "size"));
  gst_util_set_object_arg(G_OBJECT(size.get()), "caps",
                          "video/x-raw,width=320,height=240,framerate=30/1");
}

}  // namespace

VC_TEST(another_size_of_h264_begins_a_new_file) {
  Stage stage;
  GstElement* video = stage.add(kH264, "video_17");
  const std::string first = stage.next_file();
  stage.wait_for_bytes(first, 5'000);
  resize(video);
  const std::string second = stage.next_file();
  stage.wait_for_bytes(second, 5'000);
  stage.pipeline().finish_dynamics();
  ck_assert(tracks_of(first) == kPicture);
  ck_assert(tracks_of(second) == kPicture);
}

VC_TEST(another_size_of_vp8_goes_on_in_the_file) {
  Stage stage;
  GstElement* video = stage.add(kVideo, "video_17");
  const std::string file = stage.next_file();
  stage.wait_for_bytes(file, 5'000);
  const auto before = fs::file_size(file);
  resize(video);
  stage.wait_for_bytes(file, before + 30'000);
  stage.pipeline().finish_dynamics();
  ck_assert(tracks_of(file) == kPicture);
  ck_assert_int_eq(std::distance(fs::directory_iterator(stage.folder()),
                                 fs::directory_iterator()),
                   1);
}

VC_TEST(a_leaving_group_closes_its_file) {
  Stage stage;
  GstElement* video = stage.add(kVideo, "video_17");
  const std::string first = stage.next_file();
  stage.wait_for_bytes(first, 5'000);
  GstElement* other = stage.add(kVideo, "video_18");
  const std::string second = stage.next_file();
  stage.remove(video, "video_17");
  for (int i = 0; i < 2'000 && stage.pipeline().find("recording-17-1"); ++i)
    g_usleep(5'000);
  ck_assert(!stage.pipeline().find("recording-17-1"));
  ck_assert(tracks_of(first) == kPicture);
  stage.wait_for_bytes(second, 5'000);
  (void)other;
}

VC_TEST(a_group_that_fails_leaves_the_others_alone) {
  Stage stage;
  stage.add(kVideo, "video_17");
  const std::string file = stage.next_file();
  // No Matroska track takes raw Bayer pictures.
  stage.add(
      "fakesrc is-live=true sizetype=fixed sizemax=100 format=time ! "
      "capsfilter caps=video/x-bayer,format=bggr,width=8,height=8",
      "video_18");
  const vp::BusPtr bus(gst_element_get_bus(stage.pipeline().element()));
  for (bool failed = false; !failed;) {
    const vp::MessagePtr message(gst_bus_timed_pop_filtered(
        bus.get(), 20 * GST_SECOND,
        GstMessageType(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR)));
    ck_assert(message && GST_MESSAGE_TYPE(message.get()) != GST_MESSAGE_ERROR);
    failed = gst_structure_has_name(gst_message_get_structure(message.get()),
                                    vp::kBranchFailedMessage);
  }
  stage.wait_for_bytes(file, 10'000);
  stage.pipeline().finish_dynamics();
  ck_assert(tracks_of(file) == kPicture);
}

VC_TEST(names_that_are_safe_in_a_folder) {
  ck_assert(vp::file_name_part("alice") == "alice");
  ck_assert(vp::file_name_part("../../etc/x") == "_._.._etc_x");
  ck_assert(vp::file_name_part("") == "_");
  ck_assert(vp::file_name_part(".hidden") == "_hidden");
  ck_assert_uint_eq(vp::file_name_part(std::string(500, 'x')).size(), 80);
}

VC_SUITE_MAIN("pipelines/dynamic")
