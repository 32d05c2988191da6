// SPDX-License-Identifier: MIT
// The launch lines of docs/elements/videocallsink.md and videocallsrc.md, with
// real encoders and decoders.
#include <gst/gst.h>

#include <fstream>

#include "tests/plugins/binsbench.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

void replace(std::string& text, const std::string& from,
             const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size())
    text.replace(at, from.size(), to);
}

// The lines of |page|, on |location| and without a screen or a sound card.
std::vector<std::string> launch_lines(const char* page,
                                      const std::string& location) {
  std::ifstream file(std::string(DOCS_DIR "/elements/") + page);
  std::vector<std::string> lines;
  const std::string prefix = "    gst-launch-1.0 ";
  for (std::string line; std::getline(file, line);) {
    if (line.rfind(prefix, 0) != 0) continue;
    line.erase(0, prefix.size());
    if (line.find("location=") == std::string::npos)
      replace(line, " meeting=", " location=http://localhost:8080 meeting=");
    replace(line, "http://localhost:8080", location);
    replace(line, "autovideosink", "fakevideosink");
    replace(line, "autoaudiosink", "fakesink sync=true");
    lines.push_back(line);
  }
  ck_assert_msg(!lines.empty(), "%s has no launch line", page);
  return lines;
}

struct Launched {
  explicit Launched(const std::string& line) : text(line) {
    GError* error = nullptr;
    pipeline = gst_parse_launch(line.c_str(), &error);
    ck_assert_msg(error == nullptr, "%s: %s", line.c_str(),
                  error ? error->message : "");
    bus = gst_element_get_bus(pipeline);
    ck_assert_int_ne(gst_element_set_state(pipeline, GST_STATE_PLAYING),
                     GST_STATE_CHANGE_FAILURE);
  }
  ~Launched() {
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(bus);
    gst_object_unref(pipeline);
  }
  // Waits until every sink has shown something.
  void wait_for_preroll() {
    GstMessage* message = gst_bus_timed_pop_filtered(
        bus, kPatience,
        GstMessageType(GST_MESSAGE_ASYNC_DONE | GST_MESSAGE_ERROR));
    ck_assert_msg(message != nullptr, "nothing came out of %s", text.c_str());
    ck_assert_msg(GST_MESSAGE_TYPE(message) == GST_MESSAGE_ASYNC_DONE,
                  "%s failed", text.c_str());
    gst_message_unref(message);
  }
  std::string text;
  GstElement* pipeline;
  GstBus* bus;
};

}  // namespace

VC_TEST(launch_lines_of_the_sink_connect) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  for (const auto& line :
       launch_lines("videocallsink.md", meeting.http.location())) {
    Launched launched(line);
    StructurePtr message;
    do {
      message = wait_message(launched.bus, "videocall-state");
      ck_assert_msg(message != nullptr, "%s does not connect", line.c_str());
    } while (g_strcmp0(gst_structure_get_string(message.get(), "state"),
                       "connected") != 0);
  }
}

VC_TEST(launch_lines_of_the_source_show_a_picture) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  // The last one sends a picture and a sound.
  Launched camera(
      launch_lines("videocallsink.md", meeting.http.location()).back());
  for (const auto& line :
       launch_lines("videocallsrc.md", meeting.http.location())) {
    Launched viewer(line);
    viewer.wait_for_preroll();
  }
}

VC_SUITE_MAIN("plugins/videocallbins_launch")
