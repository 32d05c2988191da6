// SPDX-License-Identifier: MIT
// A pipeline description: what a TOML file says, checked but not yet built.
// The format's reference page is docs/pipelines.md.
//
//   auto description = Description::load("pipelines/relay.toml");
//   Settings settings(*description);          // settings.h
//   settings.set("shards", "4");
//   auto pipeline = Pipeline::build(*description, settings);  // pipeline.h
//
// Plain data, copyable, no GStreamer needed. All errors are one or more lines
// "FILE:LINE: reason".
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"

namespace videocall::pipelines {

enum class Type {
  string,
  integer,      // "int": may be negative
  uinteger,     // "uint"; the word "cores" stands for the number of CPU cores
  boolean,      // "bool": true, false, yes, no, on, off, 1, 0
  number,       // with a fraction
  enumeration,  // "enum": one of |choices|
  size,         // "WIDTHxHEIGHT" in pixels
  file,         // a path, see FileAccess
  secret,       // a string that is never printed
  url,          // of a server: http:// or https://
};
[[nodiscard]] std::string_view type_name(Type type);

enum class FileAccess { read, write, folder };

// The property that a parameter sets: "ELEMENT.PROPERTY", or
// "ELEMENT.caps.FIELD" for one field of a caps property. ELEMENT may hold
// {index} when it stands in a repeated fragment.
struct Target {
  std::string element;
  std::string property;
  std::string field;                       // of a caps property, else empty
  std::string part;                        // of a size: "width" or "height"
  double scale = 1.0;                      // numbers are multiplied by it
  std::map<std::string, std::string> map;  // value → what is set instead
  uint32_t line = 0;
};

struct Parameter {
  std::string name;
  std::string short_name;  // one letter, or empty
  Type type = Type::string;
  std::string unit;
  std::string help;
  // What is set when nobody says otherwise; without one the property keeps
  // the element's own default.
  std::optional<std::string> default_text;
  bool required = false;
  std::optional<double> min;
  std::optional<double> max;
  std::vector<std::string> choices;  // of an enum
  FileAccess access = FileAccess::read;
  // "Video/Source", "Audio/Source": the value names a device of that class.
  std::string device;
  // Of a folder: the file in it that each group of a dynamic part gets, with
  // {name}, {user}, {group} and {time}.
  std::string file_name;
  std::vector<Target> sets;
  uint32_t line = 0;
};

// A piece of gst-launch text and where it stands in the file.
struct LaunchText {
  std::string text;
  uint32_t line = 0;  // of the text's first character
};

struct Alternative {
  std::string name;
  std::string flag;  // a flag that selects it, without dashes, or empty
  std::string help;
  LaunchText launch;                        // {choice} in a launch text
  std::map<std::string, LaunchText> parts;  // {choice.part}
  std::vector<Parameter> parameters;
  uint32_t line = 0;
};

// A named set of alternatives of which exactly one is used.
struct Choice {
  std::string name;
  std::string short_name;
  std::string help;
  std::string default_name;
  std::vector<Alternative> alternatives;
  uint32_t line = 0;

  [[nodiscard]] const Alternative* find(std::string_view alternative) const;
};

// Text that is put in where a launch text says {name}, or, when none does,
// appended; with |repeat| as often as the uint parameter of that name says,
// {index} being 0, 1, 2, …
struct Fragment {
  std::string name;
  std::string repeat;
  LaunchText launch;
  uint32_t line = 0;
};

// Holds when the bool parameter |name| is true, or, with a |value|, when that
// alternative of the choice |name| is selected. Without a name: always.
struct Condition {
  std::string name;
  std::string value;
};

// A side path that may fail without harm: behind a leaky queue, its errors
// kept to itself.
struct Branch {
  std::string name;
  std::string help;
  std::string element;  // where it taps: "ELEMENT.PAD"
  std::string pad;
  Condition when;
  uint64_t queue_ms = 2'000;
  uint64_t queue_bytes = uint64_t{16} * 1024 * 1024;
  LaunchText launch;
  std::vector<Parameter> parameters;
  uint32_t line = 0;
};

// What is built for each pad that an element adds while it runs (a remote
// track). With a |launch| text, pads whose names share what "*" stands for form
// one group, for which it is built once, beside each pad's own text; without
// one every pad is a group of its own.
struct Dynamic {
  std::string name;
  std::string element;
  // Pad name pattern → text, for instance "video_*", or "video_* video/x-h264"
  // for pads with these caps only.
  std::vector<std::pair<std::string, LaunchText>> pads;
  LaunchText launch;
  uint64_t settle_ms = 0;  // how long a group waits for its other pads
  Condition when;
  std::vector<Parameter> parameters;
  uint32_t line = 0;
};

class Description {
 public:
  // Reads and checks a file. Errors: io (cannot be read), invalid_argument
  // (what is wrong with it, line by line).
  static Result<Description> load(const std::filesystem::path& path);

  // The same from memory; |file| is only the name in errors.
  static Result<Description> parse(std::string_view text, std::string file);

  std::string file;
  std::string name;   // the file's, without ".toml"
  std::string title;  // one line
  std::string purpose;
  std::vector<std::string> examples;
  LaunchText launch;
  std::vector<Parameter> parameters;  // those of the description as a whole
  std::vector<Choice> choices;
  std::vector<Fragment> fragments;
  std::vector<Branch> branches;
  std::vector<Dynamic> dynamics;

  // The first parameter or choice of that name anywhere, or nullptr.
  [[nodiscard]] const Parameter* find_parameter(std::string_view name) const;
  [[nodiscard]] const Choice* find_choice(std::string_view name) const;
  [[nodiscard]] const Fragment* find_fragment(std::string_view name) const;

  // The names of all parameters and choices, each once, in the file's order.
  [[nodiscard]] std::vector<std::string> setting_names() const;
  // Every launch text of the description, selected or not.
  [[nodiscard]] std::vector<const LaunchText*> launch_texts() const;
  // Every parameter of the description, selected or not.
  [[nodiscard]] std::vector<const Parameter*> all_parameters() const;
};

}  // namespace videocall::pipelines
