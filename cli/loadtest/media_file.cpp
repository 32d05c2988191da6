// SPDX-License-Identifier: MIT
#include "cli/loadtest/media_file.h"

#include <gst/gst.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

#include "cli/loadtest/stamp.h"
#include "libvideocall/media/packetizer.h"
#include "pipelines/gst_ptr.h"

namespace videocall::loadtest {
namespace {

using pipelines::CapsPtr;
using pipelines::CharPtr;
using pipelines::ElementPtr;
using pipelines::ErrorPtr;

constexpr GstClockTime kMaxTime = 60 * GST_SECOND;
constexpr GstClockTime kPatience = 60 * GST_SECOND;  // for reading it

// What follows parsebin, so that frames come as the contract wants them.
struct Format {
  Codec codec;
  const char* bin;
};

const Format* format_of(const std::string& name) {
  static const std::map<std::string, Format> formats = {
      {"video/x-vp8", {Codec::vp8, "identity"}},
      {"video/x-vp9", {Codec::vp9, "identity"}},
      {"video/x-h264",
       {Codec::h264,
        "h264parse ! video/x-h264,stream-format=byte-stream,alignment=au"}},
      {"video/x-av1",
       {Codec::av1,
        "av1parse ! video/x-av1,stream-format=obu-stream,alignment=tu"}},
      {"audio/x-opus", {Codec::opus, "identity"}},
  };
  const auto found = formats.find(name);
  return found == formats.end() ? nullptr : &found->second;
}

// Collects the frames of one file; the callbacks come from streaming threads.
class Reader {
 public:
  Result<MediaFile> read(const std::string& path);

 private:
  static void on_pad(GstElement*, GstPad* pad, gpointer data) {
    static_cast<Reader*>(data)->add(pad);
  }
  static void on_frame(GstElement* sink, GstBuffer* buffer, GstPad*,
                       gpointer data);
  void add(GstPad* pad);
  void take_video(const EncodedFrame& frame);
  void take_audio(const EncodedFrame& frame);
  Result<void> wait();

  std::mutex mutex_;  // guards what follows
  ElementPtr pipeline_;
  MediaFile file_;
  std::unique_ptr<VideoPacketizer> video_;
  AudioPacketizer audio_;
  GstElement* video_sink_ = nullptr;
  GstElement* audio_sink_ = nullptr;
  GstClockTime first_ = GST_CLOCK_TIME_NONE;
  GstClockTime last_ = 0;
  std::string unusable_;
};

void Reader::add(GstPad* pad) {
  const CapsPtr caps(gst_pad_get_current_caps(pad));
  const std::string name =
      gst_structure_get_name(gst_caps_get_structure(caps.get(), 0));
  const std::lock_guard lock(mutex_);
  const Format* format = format_of(name);
  const bool audio = format && format->codec == Codec::opus;
  const bool taken = audio ? audio_sink_ != nullptr : video_sink_ != nullptr;
  if (!format) unusable_ += (unusable_.empty() ? "" : ", ") + name;
  const std::string text = std::string(format ? format->bin : "identity") +
                           " ! fakesink name=sink sync=false async=false "
                           "signal-handoffs=true";
  GstElement* bin = gst_parse_bin_from_description(text.c_str(), TRUE, nullptr);
  if (!bin) return;
  if (format && !taken) {
    const ElementPtr sink(gst_bin_get_by_name(GST_BIN(bin), "sink"));
    (audio ? audio_sink_ : video_sink_) = sink.get();
    if (!audio)
      video_ =
          std::make_unique<VideoPacketizer>(format->codec, MediaKind::video, 0);
    g_signal_connect(sink.get(), "handoff", G_CALLBACK(on_frame), this);
  }
  gst_bin_add(GST_BIN(pipeline_.get()), bin);
  gst_element_sync_state_with_parent(bin);
  GstPad* target = gst_element_get_static_pad(bin, "sink");
  gst_pad_link(pad, target);
  gst_object_unref(target);
}

void Reader::on_frame(GstElement* sink, GstBuffer* buffer, GstPad*,
                      gpointer data) {
  auto& reader = *static_cast<Reader*>(data);
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return;
  const GstClockTime time = GST_BUFFER_PTS_IS_VALID(buffer)
                                ? GST_BUFFER_PTS(buffer)
                                : GST_BUFFER_DTS_OR_PTS(buffer);
  EncodedFrame frame;
  frame.payload = {map.data, map.size};
  if (GST_CLOCK_TIME_IS_VALID(time)) frame.capture_us = time / GST_USECOND;
  {
    const std::lock_guard lock(reader.mutex_);
    if (GST_CLOCK_TIME_IS_VALID(time) && time > kMaxTime) {
      gst_buffer_unmap(buffer, &map);
      GstElement* pipeline = reader.pipeline_.get();
      gst_element_post_message(
          pipeline,
          gst_message_new_application(GST_OBJECT(pipeline),
                                      gst_structure_new_empty("long-enough")));
      return;
    }
    if (sink == reader.video_sink_) {
      if (GST_CLOCK_TIME_IS_VALID(time)) {
        if (reader.first_ == GST_CLOCK_TIME_NONE) reader.first_ = time;
        reader.last_ = std::max(reader.last_, time);
      }
      reader.take_video(frame);
    } else {
      reader.take_audio(frame);
    }
  }
  gst_buffer_unmap(buffer, &map);
}

void Reader::take_video(const EncodedFrame& frame) {
  auto packet = video_->packetize(frame);
  if (!packet) return;  // before the first key frame
  const PacketFields& fields = (*packet)->fields();
  file_.video.push_back({stampable(fields.data), fields.header.keyframe,
                         std::string(fields.header.codec), fields.header.width,
                         fields.header.height});
}

void Reader::take_audio(const EncodedFrame& frame) {
  auto packet = audio_.packetize(frame);
  if (!packet) return;
  file_.audio.push_back(
      {stampable((*packet)->fields().data), false, "opus", 0, 0});
}

Result<void> Reader::wait() {
  GstBus* bus = gst_element_get_bus(pipeline_.get());
  GstMessage* message = gst_bus_timed_pop_filtered(
      bus, kPatience,
      GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR |
                     GST_MESSAGE_APPLICATION));
  gst_object_unref(bus);
  if (!message) return Error{Errc::timeout, "reading it takes too long"};
  Result<void> result;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
    GError* raw = nullptr;
    gst_message_parse_error(message, &raw, nullptr);
    const ErrorPtr error(raw);
    result = Error{Errc::invalid_argument, error->message};
  }
  gst_message_unref(message);
  return result;
}

Result<MediaFile> Reader::read(const std::string& path) {
  const auto failed = [&](const std::string& why) {
    return Error{Errc::invalid_argument, "--media " + path + ": " + why};
  };
  GstElement* pipeline = gst_pipeline_new(nullptr);
  pipeline_.reset(GST_ELEMENT(gst_object_ref_sink(pipeline)));
  GstElement* source = gst_element_factory_make("filesrc", nullptr);
  GstElement* parse = gst_element_factory_make("parsebin", nullptr);
  if (!source || !parse)
    return failed("GStreamer's filesrc or parsebin is missing");
  g_object_set(source, "location", path.c_str(), nullptr);
  gst_bin_add_many(GST_BIN(pipeline), source, parse, nullptr);
  gst_element_link(source, parse);
  g_signal_connect(parse, "pad-added", G_CALLBACK(on_pad), this);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  const Result<void> waited = wait();
  gst_element_set_state(pipeline, GST_STATE_NULL);
  if (!waited) return failed(waited.error().message);
  if (file_.video.empty() && file_.audio.empty())
    return failed("it holds neither VP8, VP9, AV1 or H.264 nor Opus" +
                  (unusable_.empty() ? "" : ", but " + unusable_));
  if (!file_.video.empty() && last_ > first_)
    file_.fps = double(file_.video.size() - 1) /
                (double(last_ - first_) / double(GST_SECOND));
  return std::move(file_);
}

}  // namespace

Result<MediaFile> MediaFile::load(const std::string& path) {
  return Reader().read(path);
}

}  // namespace videocall::loadtest
