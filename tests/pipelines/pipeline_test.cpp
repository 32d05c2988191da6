// SPDX-License-Identifier: MIT
// From a description to a running pipeline.
#include "pipelines/pipeline.h"

#include <gst/gst.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "pipelines/branch.h"
#include "pipelines/launch.h"
#include "tests/support/suite.h"

namespace vp = videocall::pipelines;
using vp::Description;
using vp::Pipeline;

namespace {

using Values = std::vector<std::pair<std::string, std::string>>;

Description describe(const std::string& body) {
  gst_init(nullptr, nullptr);
  auto d = Description::parse("format = 1\ntitle = \"T\"\n" + body, "t.toml");
  ck_assert_msg(d.ok(), "%s", d.ok() ? "" : d.error().message.c_str());
  return *std::move(d);
}

auto build(const Description& d, const Values& values = {}) {
  vp::Settings settings(d);
  for (const auto& [name, text] : values) {
    auto done = settings.set(name, text);
    ck_assert_msg(done.ok(), "%s",
                  done.ok() ? "" : done.error().message.c_str());
  }
  return Pipeline::build(d, settings);
}

std::unique_ptr<Pipeline> built(const Description& d,
                                const Values& values = {}) {
  auto pipeline = build(d, values);
  ck_assert_msg(pipeline.ok(), "%s",
                pipeline.ok() ? "" : pipeline.error().message.c_str());
  return *std::move(pipeline);
}

void expect_fault(const Description& d, const Values& values,
                  const std::string& fault) {
  auto pipeline = build(d, values);
  ck_assert_msg(!pipeline.ok(), "no fault, wanted: %s", fault.c_str());
  ck_assert_str_eq(pipeline.error().message.c_str(), fault.c_str());
}

int int_property(const Pipeline& pipeline, const char* element,
                 const char* property) {
  const vp::ElementPtr found = pipeline.find(element);
  ck_assert_msg(found != nullptr, "no element %s", element);
  int value = 0;
  g_object_get(found.get(), property, &value, nullptr);
  return value;
}

vp::MessagePtr wait_for(const Pipeline& pipeline, GstMessageType types) {
  const vp::BusPtr bus(gst_element_get_bus(pipeline.element()));
  return vp::MessagePtr(
      gst_bus_timed_pop_filtered(bus.get(), 20 * GST_SECOND, types));
}

}  // namespace

VC_TEST(sets_values_as_properties) {
  const Description d = describe(R"(
launch = "fakesrc name=source ! capsfilter name=f caps=video/x-raw,width=1,height=1,framerate=1/1 ! fakesink name=sink"
[[parameter]]
name = "count"
type = "uint"
help = "h"
scale = 10
sets = ["source.num-buffers"]
[[parameter]]
name = "fill"
type = "enum"
choices = ["nothing", "zeros"]
default = "zeros"
help = "h"
map = { nothing = "nothing", zeros = "zero" }
sets = ["source.filltype"]
[[parameter]]
name = "size"
type = "size"
default = "640x360"
help = "h"
sets = [{property = "f.caps.width", part = "width"}, {property = "f.caps.height", part = "height"}]
[[parameter]]
name = "fps"
type = "uint"
default = 30
help = "h"
sets = ["f.caps.framerate"]
)");
  const auto pipeline = built(d, {{"count", "5"}});
  ck_assert_int_eq(int_property(*pipeline, "source", "num-buffers"), 50);
  ck_assert_int_eq(int_property(*pipeline, "source", "filltype"), 2);
  GstCaps* raw = nullptr;
  g_object_get(pipeline->find("f").get(), "caps", &raw, nullptr);
  const vp::CapsPtr caps(raw);
  const vp::CharPtr text(gst_caps_to_string(raw));
  ck_assert_str_eq(text.get(),
                   "video/x-raw, width=(int)640, height=(int)360, "
                   "framerate=(fraction)30/1");
}

VC_TEST(a_value_cannot_add_an_element) {
  const Description d = describe(R"(
launch = "filesrc name=source ! fakesink name=sink"
[[parameter]]
name = "path"
type = "string"
help = "h"
sets = ["source.location"]
)");
  const std::string evil =
      "x\" ! filesink location=/tmp/stolen name=evil {index} {path}";
  const auto pipeline = built(d, {{"path", evil}});
  ck_assert_int_eq(GST_BIN_NUMCHILDREN(pipeline->element()), 2);
  ck_assert(pipeline->find("evil") == nullptr);
  char* raw = nullptr;
  g_object_get(pipeline->find("source").get(), "location", &raw, nullptr);
  const vp::CharPtr location(raw);
  ck_assert_str_eq(location.get(), evil.c_str());
  ck_assert(pipeline->launch_text().find("filesink") == std::string::npos);
}

VC_TEST(repeats_fragments) {
  const Description d = describe(R"(
launch = "funnel name=all ! fakesink"
[[parameter]]
name = "shards"
type = "uint"
min = 1
max = 16
default = 1
help = "h"
[[parameter]]
name = "count"
type = "uint"
default = 7
help = "h"
sets = ["source_{index}.num-buffers"]
[[fragment]]
name = "shard"
repeat = "shards"
launch = "fakesrc name=source_{index} ! all.sink_{index}"
)");
  const auto pipeline = built(d, {{"shards", "3"}});
  for (const char* name : {"source_0", "source_1", "source_2"})
    ck_assert_int_eq(int_property(*pipeline, name, "num-buffers"), 7);
  ck_assert(pipeline->find("source_3") == nullptr);
  ck_assert_int_eq(
      gst_element_set_state(pipeline->element(), GST_STATE_PLAYING) ==
          GST_STATE_CHANGE_FAILURE,
      0);
  const auto message =
      wait_for(*pipeline, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
  ck_assert(message && GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_EOS);
}

VC_TEST(alternatives_and_parts) {
  const Description d = describe(R"(
launch = "{from} ! {to.video} {to}"
[[choice]]
name = "from"
help = "h"
default = "nothing"
[[choice.alternative]]
name = "nothing"
help = "h"
launch = "fakesrc name=nothing"
[[choice.alternative]]
name = "file"
help = "h"
launch = "filesrc name=file"
[[choice.alternative.parameter]]
name = "path"
type = "file"
required = true
help = "the file to read"
sets = ["file.location"]
[[choice]]
name = "to"
help = "h"
default = "funnel"
[[choice.alternative]]
name = "funnel"
help = "h"
launch = "funnel name=out ! fakesink"
parts = { video = "out.sink_0" }
)");
  ck_assert(built(d)->find("nothing") != nullptr);
  const auto file = built(d, {{"path", "/dev/null"}});
  ck_assert(file->find("file") != nullptr);
  ck_assert(file->find("nothing") == nullptr);
  auto missing = build(d, {{"from", "file"}});
  ck_assert(!missing.ok());
  ck_assert_str_eq(missing.error().message.c_str(),
                   "path is missing: the file to read");
}

VC_TEST(faults_name_file_line_and_remedy) {
  expect_fault(describe("launch = \"\"\"\nfakesrc !\nfakesnk\n\"\"\"\n"), {},
               "t.toml:5: no element \"fakesnk\"; did you mean \"fakesink\"?");
  expect_fault(describe("launch = \"fakesrc ! gtksink\"\n"), {},
               "t.toml:3: no element \"gtksink\"; it is in the Debian package "
               "gstreamer1.0-gtk3: apt-get install gstreamer1.0-gtk3");
  expect_fault(describe("launch = \"fakesrc num-bufers=3 ! fakesink\"\n"), {},
               "t.toml:3: no property \"num-bufers\" in element \"fakesrc\"; "
               "did you mean \"num-buffers\"?");
  expect_fault(describe("launch = \"fakesrc name=a ! fakesink name=a\"\n"), {},
               "t.toml:3: two elements are named \"a\"; a repeated fragment "
               "wants {index} in its names");
  expect_fault(describe("launch = \"fakesrc name=a ! fakesink\"\n"
                        "[[parameter]]\nname = \"n\"\ntype = \"uint\"\n"
                        "help = \"h\"\nsets = [\"a.num-bufers\"]\n"),
               {{"n", "1"}},
               "t.toml:8: parameter n: fakesrc has no property "
               "\"num-bufers\"; did you mean \"num-buffers\"?");
  expect_fault(describe("launch = \"fakesrc name=a ! fakesink\"\n"
                        "[[parameter]]\nname = \"n\"\ntype = \"uint\"\n"
                        "help = \"h\"\nsets = [\"a.num-buffers\"]\n"),
               {{"n", "3000000000"}},
               "t.toml:8: parameter n: a.num-buffers does not take "
               "3000000000: gst-inspect-1.0 shows its range");
}

VC_TEST(notes_settings_without_effect) {
  const Description d = describe(R"(
launch = "{from} ! fakesink"
[[parameter]]
name = "count"
type = "uint"
help = "h"
sets = ["a.num-buffers"]
[[choice]]
name = "from"
help = "h"
default = "b"
[[choice.alternative]]
name = "a"
help = "h"
launch = "fakesrc name=a"
[[choice.alternative]]
name = "b"
help = "h"
launch = "fakesrc name=b"
)");
  const auto pipeline = built(d, {{"count", "1"}});
  ck_assert_uint_eq(pipeline->notes().size(), 1);
  ck_assert_str_eq(pipeline->notes()[0].c_str(),
                   "count has no effect with what is chosen");
}

// -- Branches
// -------------------------------------------------------------------

namespace {

constexpr char kTapped[] = R"(
launch = "fakesrc name=source is-live=true sync=true sizetype=fixed sizemax=10 do-timestamp=true ! tee name=tap ! fakesink name=main sync=false signal-handoffs=true"
[[branch]]
name = "side"
from = "tap.src_%u"
launch = "LAUNCH"
)";

Description tapped(const std::string& launch) {
  std::string text = kTapped;
  return describe(text.replace(text.find("LAUNCH"), 6, launch));
}

// How many buffers reached the element called |name|.
struct Counter {
  Counter(const Pipeline& pipeline, const char* name) {
    const vp::ElementPtr element = pipeline.find(name);
    ck_assert(element != nullptr);
    pad.reset(gst_element_get_static_pad(element.get(), "sink"));
    gst_pad_add_probe(
        pad.get(), GST_PAD_PROBE_TYPE_BUFFER,
        [](GstPad*, GstPadProbeInfo*, gpointer data) {
          static_cast<Counter*>(data)->add();
          return GST_PAD_PROBE_OK;
        },
        this, nullptr);
    g_mutex_init(&mutex);
    g_cond_init(&cond);
  }
  void add() {
    g_mutex_lock(&mutex);
    ++count;
    g_cond_broadcast(&cond);
    g_mutex_unlock(&mutex);
  }
  // Waits for |more| buffers from now on; false after 20 s.
  bool more(int wanted) {
    const gint64 end = g_get_monotonic_time() + 20 * G_TIME_SPAN_SECOND;
    g_mutex_lock(&mutex);
    const int goal = count + wanted;
    while (count < goal && g_cond_wait_until(&cond, &mutex, end)) {
    }
    const bool reached = count >= goal;
    g_mutex_unlock(&mutex);
    return reached;
  }
  vp::PadPtr pad;
  GMutex mutex;
  GCond cond;
  int count = 0;
};

std::string wait_for_failure(const Pipeline& pipeline) {
  const auto message = wait_for(
      pipeline, GstMessageType(GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR));
  ck_assert(message != nullptr);
  ck_assert_msg(GST_MESSAGE_TYPE(message.get()) == GST_MESSAGE_ELEMENT,
                "the branch's error reached the bus as an error");
  const GstStructure* s = gst_message_get_structure(message.get());
  ck_assert_str_eq(gst_structure_get_name(s), vp::kBranchFailedMessage);
  return gst_structure_get_string(s, "branch");
}

void wait_until_gone(const Pipeline& pipeline, const char* name) {
  for (int i = 0; i < 2'000 && pipeline.find(name); ++i) g_usleep(5'000);
  ck_assert_msg(!pipeline.find(name), "%s is still there", name);
}

}  // namespace

VC_TEST(a_branch_gets_the_data) {
  const auto pipeline =
      built(tapped("fakesink name=end sync=false async=false"));
  Counter end(*pipeline, "end");
  gst_element_set_state(pipeline->element(), GST_STATE_PLAYING);
  ck_assert(end.more(5));
}

VC_TEST(a_branch_that_fails_harms_nobody) {
  const auto pipeline =
      built(tapped("identity error-after=3 ! fakesink async=false"));
  Counter main(*pipeline, "main");
  gst_element_set_state(pipeline->element(), GST_STATE_PLAYING);
  ck_assert(wait_for_failure(*pipeline) == "side");
  ck_assert(main.more(20));
  wait_until_gone(*pipeline, "side");
  ck_assert(main.more(20));
  ck_assert(!pipeline->has_branch("side"));
}

VC_TEST(a_branch_that_cannot_start_harms_nobody) {
  const auto pipeline = built(tapped("filesink location=/no/such/folder/file"));
  Counter main(*pipeline, "main");
  ck_assert(gst_element_set_state(pipeline->element(), GST_STATE_PLAYING) !=
            GST_STATE_CHANGE_FAILURE);
  ck_assert(wait_for_failure(*pipeline) == "side");
  ck_assert(main.more(20));
  wait_until_gone(*pipeline, "side");
  ck_assert(main.more(20));
}

VC_TEST(a_branch_that_hangs_harms_nobody) {
  // A sink that waits for a clock time that never comes fills its queue.
  const auto pipeline = built(
      tapped("identity sleep-time=1000000 ! fakesink name=end async=false"));
  Counter main(*pipeline, "main");
  gst_element_set_state(pipeline->element(), GST_STATE_PLAYING);
  ck_assert(main.more(100));
}

VC_TEST(a_branch_with_other_caps_harms_nobody) {
  const auto pipeline = built(describe(R"(
launch = "audiotestsrc is-live=true ! tee name=tap ! fakesink name=main sync=false"
[[branch]]
name = "side"
from = "tap.src_%u"
launch = "capsfilter caps=video/x-raw ! fakesink async=false"
)"));
  Counter main(*pipeline, "main");
  gst_element_set_state(pipeline->element(), GST_STATE_PLAYING);
  ck_assert(wait_for_failure(*pipeline) == "side");
  ck_assert(main.more(20));
}

VC_TEST(branches_come_and_go_while_data_flows) {
  const auto pipeline =
      built(tapped("fakesink name=end sync=false async=false"));
  Counter main(*pipeline, "main");
  gst_element_set_state(pipeline->element(), GST_STATE_PLAYING);
  ck_assert(main.more(3));
  for (int i = 0; i < 20; ++i) {
    ck_assert(pipeline->remove_branch("side").ok());
    ck_assert(!pipeline->remove_branch("side").ok());
    wait_until_gone(*pipeline, "side");
    ck_assert(main.more(2));
    auto added = pipeline->add_branch("side");
    ck_assert_msg(added.ok(), "%s",
                  added.ok() ? "" : added.error().message.c_str());
    ck_assert(!pipeline->add_branch("side").ok());
    Counter end(*pipeline, "end");
    ck_assert(end.more(2));
    // The counter leaves with its element.
    ck_assert(pipeline->remove_branch("side").ok());
    wait_until_gone(*pipeline, "side");
    ck_assert(pipeline->add_branch("side").ok());
  }
  const auto unknown = pipeline->add_branch("sied");
  ck_assert(!unknown.ok());
  ck_assert_str_eq(unknown.error().message.c_str(),
                   "no branch \"sied\"; did you mean \"side\"?");
}

VC_TEST(a_removed_branch_finishes_what_it_has) {
  const Description d = tapped("fakesink name=end sync=false async=false");
  const auto pipeline = built(d);
  Counter end(*pipeline, "end");
  gst_element_set_state(pipeline->element(), GST_STATE_PLAYING);
  ck_assert(end.more(2));
  static gint ends;
  g_atomic_int_set(&ends, 0);
  gst_pad_add_probe(
      end.pad.get(), GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      [](GstPad*, GstPadProbeInfo* info, gpointer) {
        if (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info)) == GST_EVENT_EOS)
          g_atomic_int_inc(&ends);
        return GST_PAD_PROBE_OK;
      },
      nullptr, nullptr);
  ck_assert(pipeline->remove_branch("side").ok());
  wait_until_gone(*pipeline, "side");
  ck_assert_int_eq(g_atomic_int_get(&ends), 1);
}

VC_TEST(the_example_of_the_reference_page_is_right) {
  std::ifstream page(PIPELINES_PAGE);
  std::string text;
  bool inside = false;
  for (std::string row; std::getline(page, row);) {
    if (row == "    format = 1") inside = true;
    if (!inside) continue;
    if (!row.empty() && row[0] != ' ') break;
    text += row.substr(std::min<size_t>(row.size(), 4)) + "\n";
  }
  ck_assert_msg(inside, "no example in %s", PIPELINES_PAGE);
  gst_init(nullptr, nullptr);
  const auto d = Description::parse(text, "example.toml");
  ck_assert_msg(d.ok(), "%s", d.ok() ? "" : d.error().message.c_str());
  const auto pipeline =
      built(*d, {{"out", "/tmp/never-written"}, {"bitrate-kbps", "500"}});
  ck_assert_int_eq(int_property(*pipeline, "vp8", "target-bitrate"), 500'000);
}

VC_SUITE_MAIN("pipelines/pipeline")
