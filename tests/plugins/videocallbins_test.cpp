// SPDX-License-Identifier: MIT
// videocallsink and videocallsrc.
#include <gst/gst.h>

#include "tests/plugins/binsbench.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::testing;

namespace {

// Pushes a frame every 5 ms until |ready|, as an encoder would.
bool push_until(Feed& feed, const std::function<bool()>& ready) {
  for (int i = 0; i < 6'000; ++i) {
    if (feed.push_frame() != GST_FLOW_OK) return false;
    if (ready()) return true;
    g_usleep(5'000);
  }
  return false;
}

bool has_received(Viewer& viewer, const char* prefix, size_t count) {
  const std::lock_guard guard(viewer.lock);
  return viewer.count(prefix) >= count;
}

struct Publisher : BinBench {
  Publisher(const std::string& location, const std::string& user)
      : BinBench("videocallsink", location, user), video(bin, "video_%u") {}
  void start() {
    ck_assert_int_ne(play(), GST_STATE_CHANGE_FAILURE);
    video.begin();
  }
  Feed video;
};

}  // namespace

VC_TEST(what_one_publishes_the_other_receives) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  Viewer viewer(meeting.http.location(), "eye");
  camera.start();
  ck_assert(camera.wait_state("joining") != nullptr);
  ck_assert(camera.wait_state("connecting") != nullptr);
  ck_assert(camera.wait_state("connected") != nullptr);
  ck_assert_int_eq(gst_element_set_state(viewer.pipeline, GST_STATE_PAUSED),
                   GST_STATE_CHANGE_NO_PREROLL);  // a live source
  ck_assert_int_eq(viewer.play(), GST_STATE_CHANGE_SUCCESS);
  StructurePtr joined = wait_message(viewer.bus, "videocall-peer-joined");
  ck_assert(joined != nullptr);
  ck_assert_str_eq(gst_structure_get_string(joined.get(), "user-id"), "cam");
  guint64 session = 0;
  ck_assert(gst_structure_get_uint64(joined.get(), "session-id", &session));

  ck_assert(push_until(camera.video,
                       [&] { return has_received(viewer, "video_", 20); }));
  const std::lock_guard guard(viewer.lock);
  const std::string name = "video_" + std::to_string(session);
  ck_assert_str_eq(viewer.pads.at(0).c_str(), name.c_str());
  ck_assert(viewer.caps[name].rfind("video/x-vp8", 0) == 0);
  ck_assert(viewer.caps[name].find("width=(int)320") != std::string::npos);
  ck_assert_str_eq(viewer.titles[name].c_str(), "cam");
}

VC_TEST(key_frames_are_asked_of_the_encoder) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  Viewer viewer(meeting.http.location(), "eye");
  camera.start();
  ck_assert(camera.wait_state("connected") != nullptr);
  // What was sent before was not seen by anybody.
  ck_assert(
      push_until(camera.video, [&] { return camera.video.wishes() > 0; }));
  viewer.play();
  ck_assert(push_until(camera.video,
                       [&] { return has_received(viewer, "video_", 5); }));
  const int before = camera.video.wishes();
  GstPad* pad = nullptr;
  {
    const std::lock_guard guard(viewer.lock);
    pad = GST_PAD(gst_object_ref(viewer.last_pad));
  }
  gst_pad_push_event(pad, gst_video_event_new_upstream_force_key_unit(
                              GST_CLOCK_TIME_NONE, TRUE, 0));
  gst_object_unref(pad);
  ck_assert(
      push_until(camera.video, [&] { return camera.video.wishes() > before; }));
}

VC_TEST(pads_that_nobody_links_are_harmless) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  Feed sound(camera.bin, "audio_%u",
             "audio/x-opus, channels=2, rate=48000, channel-mapping-family=0");
  Viewer blind(meeting.http.location(), "blind", false);
  Viewer viewer(meeting.http.location(), "eye");
  camera.start();
  sound.begin();
  blind.play();
  viewer.play();
  const std::vector<uint8_t> opus = {0xfc, 0xff, 0xfe};  // 20 ms of silence
  GstClockTime time = 0;
  ck_assert(push_until(camera.video, [&] {
    ck_assert_int_eq(sound.push(opus, time += GST_MSECOND), GST_FLOW_OK);
    return has_received(viewer, "video_", 10) &&
           has_received(viewer, "audio_", 10);
  }));
  ck_assert(blind.wait([&] { return blind.pads.size() == 2; }));
  ck_assert(gst_bus_pop_filtered(
                blind.bus, GstMessageType(GST_MESSAGE_ERROR |
                                          GST_MESSAGE_WARNING)) == nullptr);
}

VC_TEST(pads_go_with_the_member) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Viewer viewer(meeting.http.location(), "eye");
  viewer.play();
  ck_assert(viewer.wait_state("connected") != nullptr);
  {
    Publisher camera(meeting.http.location(), "cam");
    camera.start();
    ck_assert(push_until(camera.video,
                         [&] { return has_received(viewer, "video_", 3); }));
  }
  StructurePtr left = wait_message(viewer.bus, "videocall-peer-left");
  ck_assert(left != nullptr);
  ck_assert_str_eq(gst_structure_get_string(left.get(), "user-id"), "cam");
  ck_assert(viewer.wait([&] { return viewer.pads.empty(); }));
  // A peer that leaves is no end of the stream.
  ck_assert_uint_eq(viewer.ended, 0);
}

VC_TEST(comes_back_without_stopping_the_pipeline) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  Viewer viewer(meeting.http.location(), "eye");
  camera.start();
  viewer.play();
  ck_assert(push_until(camera.video,
                       [&] { return has_received(viewer, "video_", 3); }));
  const int joins = meeting.http.joins();
  meeting.close_all(4);  // overload
  StructurePtr lost = camera.wait_state("reconnecting");
  ck_assert(lost != nullptr);
  ck_assert_str_eq(gst_structure_get_string(lost.get(), "code"), "overload");
  const int wishes = camera.video.wishes();
  {
    const std::lock_guard guard(viewer.lock);
    viewer.received.clear();
  }
  ck_assert(push_until(camera.video,
                       [&] { return has_received(viewer, "video_", 10); }));
  ck_assert_int_ge(meeting.http.joins(), joins + 2);
  ck_assert_int_gt(camera.video.wishes(), wishes);
  GstStructure* stats = nullptr;
  g_object_get(camera.bin, "stats", &stats, nullptr);
  const StructurePtr owned(stats);
  ck_assert_str_eq(gst_structure_get_string(stats, "state"), "connected");
  guint reconnects = 0;
  ck_assert(gst_structure_get_uint(stats, "reconnects", &reconnects));
  ck_assert_uint_ge(reconnects, 1);
}

VC_TEST(end_of_the_meeting_ends_the_streams) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  Viewer viewer(meeting.http.location(), "eye");
  camera.start();
  viewer.play();
  ck_assert(push_until(camera.video,
                       [&] { return has_received(viewer, "video_", 3); }));
  meeting.close_all(1);  // meeting-ended
  StructurePtr ended = camera.wait_state("ended");
  ck_assert(ended != nullptr);
  ck_assert_str_eq(gst_structure_get_string(ended.get(), "code"),
                   "meeting-ended");
  GstFlowReturn flow = GST_FLOW_OK;
  for (int i = 0; i < 1'000 && flow == GST_FLOW_OK; ++i) {
    flow = camera.video.push_frame();
    g_usleep(1'000);
  }
  ck_assert_int_eq(flow, GST_FLOW_EOS);
  ck_assert(viewer.wait([&] { return viewer.ended == 1; }));
}

VC_TEST(removal_is_an_error) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Viewer viewer(meeting.http.location(), "eye");
  viewer.play();
  ck_assert(viewer.wait_state("connected") != nullptr);
  meeting.close_all(2);
  const std::string error = wait_error(viewer.bus);
  ck_assert_msg(error.find("removed") != std::string::npos, "%s",
                error.c_str());
}

VC_TEST(refusals_say_why) {
  gst_init(nullptr, nullptr);
  {
    Meeting meeting;
    meeting.http.set_reply(
        {403, JoinServer::failure("NOT_ALLOWED", "The door is closed.")});
    Viewer viewer(meeting.http.location(), "eye");
    viewer.play();
    StructurePtr refused = viewer.wait_state("refused");
    ck_assert(refused != nullptr);
    ck_assert_str_eq(gst_structure_get_string(refused.get(), "code"),
                     "NOT_ALLOWED");
    const std::string error = wait_error(viewer.bus);
    ck_assert_msg(error.find("The door is closed.") != std::string::npos, "%s",
                  error.c_str());
  }
  {
    Viewer viewer("http://127.0.0.1:1", "eye");
    viewer.play();
    StructurePtr refused = viewer.wait_state("refused");
    ck_assert(refused != nullptr);
    ck_assert_str_eq(gst_structure_get_string(refused.get(), "code"),
                     "unreachable");
    const std::string error = wait_error(viewer.bus);
    ck_assert_msg(error.find("http://127.0.0.1:1") != std::string::npos, "%s",
                  error.c_str());
  }
  Viewer viewer("http://127.0.0.1:1", "eye");
  g_object_set(viewer.bin, "meeting", nullptr, nullptr);
  ck_assert_int_eq(viewer.play(), GST_STATE_CHANGE_FAILURE);
  ck_assert(wait_error(viewer.bus).find("meeting") != std::string::npos);
}

VC_TEST(elements_of_one_connection_are_one_session) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "robot");
  Viewer viewer(meeting.http.location(), "robot");
  Viewer other(meeting.http.location(), "eye");
  g_object_set(camera.bin, "connection", "one", nullptr);
  g_object_set(viewer.bin, "connection", "one", nullptr);
  camera.start();
  viewer.play();
  ck_assert(camera.wait_state("connected") != nullptr);
  other.play();
  ck_assert(push_until(camera.video,
                       [&] { return has_received(other, "video_", 5); }));
  ck_assert_int_eq(meeting.http.joins(), 2);
  // It does not see itself, and hears of the other.
  StructurePtr joined = wait_message(viewer.bus, "videocall-peer-joined");
  ck_assert(joined != nullptr);
  ck_assert_str_eq(gst_structure_get_string(joined.get(), "user-id"), "eye");
  ck_assert(!has_received(viewer, "video_", 1));
  // One of them may go; the session stays.
  viewer.stop();
  const size_t before = other.received.begin()->second;
  ck_assert(push_until(
      camera.video, [&] { return has_received(other, "video_", before + 5); }));
  ck_assert_int_eq(meeting.http.joins(), 2);

  Viewer wrong(meeting.http.location(), "somebody-else");
  g_object_set(wrong.bin, "connection", "one", nullptr);
  ck_assert_int_eq(wrong.play(), GST_STATE_CHANGE_FAILURE);
  ck_assert(wait_error(wrong.bus).find("\"one\"") != std::string::npos);
}

VC_TEST(starts_and_stops_over_and_over) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  Viewer viewer(meeting.http.location(), "eye");
  for (int i = 0; i < 20; ++i) {
    camera.play();
    viewer.play();
    if (i % 4 == 0) {
      camera.video.begin();
      ck_assert(push_until(camera.video,
                           [&] { return has_received(viewer, "video_", 2); }));
    }
    if (i % 2 == 0) viewer.stop();
    camera.stop();
    viewer.stop();
    ck_assert(viewer.pads.empty());
    viewer.received.clear();
  }
}

VC_TEST(all_streams_ended_is_an_end) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  Feed screen(camera.bin, "screen_0");
  camera.start();
  screen.begin();
  camera.video.end();
  ck_assert(gst_bus_pop_filtered(camera.bus, GST_MESSAGE_EOS) == nullptr);
  screen.end();
  GstMessage* message =
      gst_bus_timed_pop_filtered(camera.bus, kPatience, GST_MESSAGE_EOS);
  ck_assert(message != nullptr);
  gst_message_unref(message);
}

VC_TEST(pads_are_the_layers_of_one_camera) {
  gst_init(nullptr, nullptr);
  GstElement* sink = make_element("videocallsink");
  gst_object_ref_sink(sink);
  const auto request = [sink](const char* name) {
    GstPad* pad = gst_element_request_pad_simple(sink, name);
    const bool ok = pad != nullptr;
    if (pad) gst_object_unref(pad);
    return ok;
  };
  ck_assert(request("video_%u") && request("video_%u") && request("video_2"));
  ck_assert(!request("video_%u") && !request("video_3"));
  ck_assert(request("audio_0") && !request("audio_%u"));
  ck_assert(!request("audio_1") && !request("screen_x"));
  ck_assert(request("screen_1"));
  GstPad* pad = gst_element_get_static_pad(sink, "video_1");
  gst_element_release_request_pad(sink, pad);
  gst_object_unref(pad);
  ck_assert(request("video_%u"));
  pad = gst_element_get_static_pad(sink, "video_1");
  ck_assert(pad != nullptr);
  gst_object_unref(pad);
  gst_object_unref(sink);
}

VC_TEST(a_file_goes_out_at_its_own_pace) {
  gst_init(nullptr, nullptr);
  Meeting meeting;
  Publisher camera(meeting.http.location(), "cam");
  camera.start();
  const gint64 begin = g_get_monotonic_time();
  ck_assert_int_eq(camera.video.push(vp8_frame(true), 0), GST_FLOW_OK);
  ck_assert_int_eq(camera.video.push(vp8_frame(false), 300 * GST_MSECOND),
                   GST_FLOW_OK);
  ck_assert_int_ge(g_get_monotonic_time() - begin, 250'000);
  // Stopping does not wait for a frame whose time is far away.
  std::thread pusher([&] {
    ck_assert_int_eq(camera.video.push(vp8_frame(false), 1'000 * GST_SECOND),
                     GST_FLOW_FLUSHING);
  });
  camera.stop();
  pusher.join();
}

VC_TEST(uris_and_properties_agree) {
  gst_init(nullptr, nullptr);
  for (const char* factory : {"videocallsrc", "videocallsink"}) {
    GstElement* element = make_element(factory);
    gst_object_ref_sink(element);
    const char* uri =
        "videocalls://call.example.org:8443/demo?user=cam&display-name=A%20B";
    ck_assert(gst_uri_handler_set_uri(GST_URI_HANDLER(element), uri, nullptr));
    gchar* location = nullptr;
    gchar* name = nullptr;
    g_object_get(element, "location", &location, "display-name", &name,
                 nullptr);
    ck_assert_str_eq(location, "https://call.example.org:8443");
    ck_assert_str_eq(name, "A B");
    g_free(location);
    g_free(name);
    gchar* again = gst_uri_handler_get_uri(GST_URI_HANDLER(element));
    ck_assert_str_eq(again, uri);
    g_free(again);
    g_object_set(element, "meeting", "other", "user", nullptr, "display-name",
                 nullptr, nullptr);
    again = gst_uri_handler_get_uri(GST_URI_HANDLER(element));
    ck_assert_str_eq(again, "videocalls://call.example.org:8443/other");
    g_free(again);
    GError* error = nullptr;
    ck_assert(!gst_uri_handler_set_uri(GST_URI_HANDLER(element),
                                       "videocall://host", &error));
    ck_assert(error != nullptr);
    g_clear_error(&error);
    gst_object_unref(element);
  }
  GstElement* made = gst_element_make_from_uri(GST_URI_SRC, "videocall://h/m",
                                               nullptr, nullptr);
  ck_assert(made != nullptr);
  gst_object_unref(gst_object_ref_sink(made));
}

VC_SUITE_MAIN("plugins/videocallbins")
