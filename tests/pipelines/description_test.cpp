// SPDX-License-Identifier: MIT
// The format: what is read, and what every kind of fault is called.
#include "pipelines/description.h"

#include <string>

#include "pipelines/nearest.h"
#include "pipelines/settings.h"
#include "tests/support/suite.h"

namespace vp = videocall::pipelines;
using vp::Description;

namespace {

constexpr char kGood[] = R"(format = 1
title = "Test"
launch = """
{video} ! fakesink name=sink
"""

[[parameter]]
name = "shards"
type = "uint"
unit = "threads"
min = 1
max = 8
default = 2
help = "How many"

[[choice]]
name = "video"
short = "v"
help = "Where from"
default = "pattern"

[[choice.alternative]]
name = "pattern"
help = "Made up"
launch = "fakesrc name=pattern"

[[choice.alternative.parameter]]
name = "buffers"
type = "int"
help = "How many"
sets = ["pattern.num-buffers"]

[[choice.alternative]]
name = "file"
flag = "from-file"
help = "A file"
launch = "filesrc name=file"
parts = { audio = "identity" }

[[choice.alternative.parameter]]
name = "path"
type = "file"
required = true
help = "Which"
sets = [{ property = "file.location" }]

[[fragment]]
name = "shard"
repeat = "shards"
launch = "fakesrc name=source_{index} ! fakesink"
)";

// kGood with one piece replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const size_t at = text.find(from);
  ck_assert_msg(at != std::string::npos, "test text has no %s", from.c_str());
  return text.replace(at, from.size(), to);
}

void expect_fault(const std::string& text, const std::string& fault) {
  const auto description = Description::parse(text, "t.toml");
  ck_assert_msg(!description.ok(), "no fault, wanted: %s", fault.c_str());
  const std::string message = description.error().message;
  ck_assert_msg(message.find(fault) != std::string::npos, "wanted: %s\ngot: %s",
                fault.c_str(), message.c_str());
}

Description good() {
  auto description = Description::parse(kGood, "t.toml");
  ck_assert_msg(description.ok(), "%s",
                description.ok() ? "" : description.error().message.c_str());
  return *std::move(description);
}

}  // namespace

VC_TEST(reads_what_stands_there) {
  const Description d = good();
  ck_assert_str_eq(d.name.c_str(), "t");
  ck_assert_str_eq(d.title.c_str(), "Test");
  ck_assert_uint_eq(d.launch.line, 4);
  ck_assert_uint_eq(d.parameters.size(), 1);
  ck_assert(d.parameters[0].type == vp::Type::uinteger);
  ck_assert_str_eq(d.parameters[0].default_text->c_str(), "2");
  ck_assert_uint_eq(d.choices.size(), 1);
  ck_assert_uint_eq(d.choices[0].alternatives.size(), 2);
  ck_assert_str_eq(d.choices[0].alternatives[1].flag.c_str(), "from-file");
  const vp::Parameter* path = d.find_parameter("path");
  ck_assert_ptr_nonnull(path);
  ck_assert_str_eq(path->sets.at(0).element.c_str(), "file");
  ck_assert_str_eq(path->sets.at(0).property.c_str(), "location");
  ck_assert_str_eq(d.fragments.at(0).repeat.c_str(), "shards");
}

VC_TEST(names_the_line_of_broken_toml) {
  expect_fault("format = 1\ntitle = \n", "t.toml:2: ");
}

VC_TEST(names_a_wrong_key_and_the_right_one) {
  expect_fault(with("title = \"Test\"", "titel = \"Test\""),
               "t.toml:2: description: unknown key \"titel\"; did you mean "
               "\"title\"?");
  expect_fault(with("default = 2", "defualt = 2"),
               "t.toml:13: [[parameter]]: unknown key \"defualt\"; did you "
               "mean \"default\"?");
}

VC_TEST(names_missing_keys) {
  expect_fault(with("format = 1", ""), "t.toml:1: the key \"format\"");
  expect_fault(with("format = 1", "format = 2"), "t.toml:1: description: this");
  expect_fault(with("title = \"Test\"", ""), "the key \"title\" is missing");
  expect_fault(with("unit = \"threads\"\nmin = 1\nmax = 8\ndefault = 2\nhelp = "
                    "\"How many\"",
                    "max = 8\ndefault = 2"),
               "t.toml:7: [[parameter]]: the key \"help\" is missing");
}

VC_TEST(names_wrong_types) {
  expect_fault(with("title = \"Test\"", "title = 5"),
               "t.toml:2: description: \"title\" must be a text, not a whole "
               "number");
  expect_fault(with("type = \"uint\"", "type = \"unit\""),
               "t.toml:9: [[parameter]]: no type \"unit\"; did you mean "
               "\"uint\"?");
  expect_fault(with("[[parameter]]\nname = \"shards\"",
                    "[parameter]\nname = \"shards\""),
               "write [[parameter]], not [parameter]");
  expect_fault(with("min = 1", "min = \"1\""),
               "\"min\" must be a number, not a text");
}

VC_TEST(checks_defaults_and_ranges) {
  expect_fault(with("default = 2", "default = 9"),
               "t.toml:13: [[parameter]]: default of shards: 9 is out of "
               "range, 1 to 8 threads");
  expect_fault(with("min = 1", "min = 10"), "\"min\" is larger than \"max\"");
  expect_fault(with("default = \"pattern\"", "default = \"patern\""),
               "no alternative \"patern\"; did you mean \"pattern\"?");
}

VC_TEST(checks_names) {
  expect_fault(with("name = \"shards\"", "name = \"Shards\""),
               "\"Shards\" is not a name");
  expect_fault(with("name = \"shard\"", "name = \"video\""),
               "the name \"video\" is taken");
  expect_fault(with("name = \"buffers\"", "name = \"video\""),
               "is also the name of a choice");
  expect_fault(with("name = \"path\"\ntype = \"file\"",
                    "name = \"buffers\"\ntype = \"file\""),
               "\"buffers\" is int on line 27 and file here");
}

VC_TEST(checks_placeholders) {
  expect_fault(with("{video} !", "{vido} !"),
               "t.toml:4: {vido} names no choice and no fragment; did you "
               "mean \"video\"?");
  expect_fault(with("{video} !", "{video.sound} !"), "{video.sound} names no");
  expect_fault(with("{video} !", "{video} ! identity name=i{index} !"),
               "t.toml:4: {index} stands outside a fragment");
  expect_fault(with("launch = \"fakesrc name=pattern\"",
                    "launch = \"fakesrc name=pattern ! {video}\""),
               "{video} contains itself");
}

VC_TEST(checks_targets) {
  expect_fault(with("pattern.num-buffers", "patern.num-buffers"),
               "t.toml:31: \"sets\" of buffers: no element is named "
               "\"patern\"; did you mean \"pattern\"?");
  expect_fault(with("pattern.num-buffers", "pattern"),
               "\"pattern\" is not ELEMENT.PROPERTY");
  expect_fault(with("pattern.num-buffers", "pattern.blocksize.width"),
               "only caps have fields");
}

VC_TEST(checks_repeats) {
  expect_fault(with("repeat = \"shards\"", "repeat = \"shard\""),
               "repeat = \"shard\" is not a uint parameter of the "
               "description; did you mean \"shards\"?");
  expect_fault(with("max = 8", ""), "give it a \"max\"");
}

VC_TEST(reports_every_fault_at_once) {
  std::string text = with("title = \"Test\"", "titel = \"Test\"");
  text.replace(text.find("type = \"int\""), 12, "type = \"itn\"");
  expect_fault(text, "t.toml:2: description: unknown key \"titel\"");
  expect_fault(text, "\nt.toml:29: [[parameter]]: no type \"itn\"");
}

VC_TEST(settings_refuse_with_the_remedy) {
  const Description d = good();
  vp::Settings settings(d);
  const auto expect = [&](const char* name, const char* text,
                          const char* fault) {
    const auto done = settings.set(name, text);
    ck_assert(!done.ok());
    ck_assert_str_eq(done.error().message.c_str(), fault);
  };
  expect("shard", "2", "no parameter \"shard\"; did you mean \"shards\"?");
  expect("shards", "x", "shards: \"x\" is not a whole number of threads");
  expect("shards", "-1", "shards: -1 is negative; give a number from 0 on");
  expect("shards", "9", "shards: 9 is out of range, 1 to 8 threads");
  expect("video", "fle",
         "video: \"fle\" is none of pattern, file; did you mean \"file\"?");
  expect("path", "/no/such", "path: no such file: /no/such");
  ck_assert(settings.set("shards", "8").ok());
}

VC_TEST(a_parameter_selects_its_alternative) {
  const Description d = good();
  vp::Settings settings(d);
  ck_assert(settings.set("path", "/dev/null").ok());
  auto selection = settings.selection();
  ck_assert(selection.ok());
  ck_assert_str_eq(selection->at("video")->name.c_str(), "file");

  ck_assert(settings.set("video", "pattern").ok());
  selection = settings.selection();
  ck_assert(!selection.ok());
  ck_assert_str_eq(selection.error().message.c_str(),
                   "path has no meaning with video = pattern; it belongs to "
                   "file");

  vp::Settings both(d);
  ck_assert(both.set("path", "/dev/null").ok());
  ck_assert(both.set("buffers", "1").ok());
  ck_assert(!both.selection());
}

VC_TEST(nearest_names) {
  ck_assert_uint_eq(vp::edit_distance("abc", "abc"), 0);
  ck_assert_uint_eq(vp::edit_distance("abc", "acb"), 1);
  ck_assert_uint_eq(vp::edit_distance("kitten", "sitting"), 3);
  ck_assert(vp::nearest("bitrat", {"fps", "bitrate"}) == "bitrate");
  ck_assert(vp::nearest("zzz", {"fps", "bitrate"}).empty());
}

VC_TEST(shipped_descriptions_are_good) {
  for (const auto& entry :
       std::filesystem::directory_iterator(SHIPPED_PIPELINES)) {
    if (entry.path().extension() != ".toml") continue;
    const auto d = Description::load(entry.path());
    ck_assert_msg(d.ok(), "%s", d.ok() ? "" : d.error().message.c_str());
    ck_assert(!d->title.empty());
  }
}

VC_SUITE_MAIN("pipelines/description")
