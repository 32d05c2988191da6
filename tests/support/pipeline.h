// SPDX-License-Identifier: MIT
// Runs a launch line to its end and looks at what came out of it.
#pragma once

#include <check.h>
#include <gst/gst.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace videocall::testing {

class Pipeline {
 public:
  explicit Pipeline(const std::string& launch) {
    GError* error = nullptr;
    pipeline_ = gst_parse_launch(launch.c_str(), &error);
    ck_assert_msg(error == nullptr && pipeline_ != nullptr, "%s: %s",
                  launch.c_str(), error ? error->message : "no pipeline");
    bus_ = gst_element_get_bus(pipeline_);
  }
  ~Pipeline() {
    stop();
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  GstElement* get() { return pipeline_; }
  // Borrowed: the pipeline outlives it.
  GstElement* element(const char* name) {
    GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline_), name);
    ck_assert_msg(element != nullptr, "no element %s", name);
    gst_object_unref(element);
    return element;
  }

  // |seen| is called with every buffer that reaches pad |pad| of |name|, on
  // the streaming thread.
  void on_buffer(const char* name, const char* pad,
                 std::function<void(GstBuffer*)> seen) {
    GstPad* target = gst_element_get_static_pad(element(name), pad);
    ck_assert_msg(target != nullptr, "no pad %s.%s", name, pad);
    gst_pad_add_probe(
        target, GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo* info, gpointer data) {
          (*static_cast<std::function<void(GstBuffer*)>*>(data))(
              GST_PAD_PROBE_INFO_BUFFER(info));
          return GST_PAD_PROBE_OK;
        },
        new std::function<void(GstBuffer*)>(std::move(seen)),
        [](gpointer data) {
          delete static_cast<std::function<void(GstBuffer*)>*>(data);
        });
    gst_object_unref(target);
  }

  void play() {
    ck_assert(gst_element_set_state(pipeline_, GST_STATE_PLAYING) !=
              GST_STATE_CHANGE_FAILURE);
  }
  void stop() { gst_element_set_state(pipeline_, GST_STATE_NULL); }

  // Plays until EOS; fails the test on an error or after |seconds|.
  void run(unsigned seconds = 30) {
    play();
    wait_eos(seconds);
    stop();
  }

  void wait_eos(unsigned seconds = 30) {
    GstMessage* message = wait(GST_MESSAGE_EOS | GST_MESSAGE_ERROR, seconds);
    ck_assert_msg(message != nullptr, "no end of stream in time");
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      GError* error = nullptr;
      gchar* debug = nullptr;
      gst_message_parse_error(message, &error, &debug);
      ck_abort_msg("%s (%s)", error->message, debug);
    }
    gst_message_unref(message);
  }

  // The next message of |types|, or nullptr after |seconds|. Owned.
  GstMessage* wait(int types, unsigned seconds) {
    return gst_bus_timed_pop_filtered(bus_, seconds * GST_SECOND,
                                      static_cast<GstMessageType>(types));
  }

 private:
  GstElement* pipeline_ = nullptr;
  GstBus* bus_ = nullptr;
};

// The bytes of |buffer|.
inline std::vector<uint8_t> bytes_of(GstBuffer* buffer) {
  std::vector<uint8_t> bytes(gst_buffer_get_size(buffer));
  gst_buffer_extract(buffer, 0, bytes.data(), bytes.size());
  return bytes;
}

}  // namespace videocall::testing
