// SPDX-License-Identifier: MIT
#include "pipelines/pipeline.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "pipelines/apply.h"
#include "pipelines/branch.h"
#include "pipelines/diagnostics.h"
#include "pipelines/dynamic.h"
#include "pipelines/launch.h"
#include "pipelines/nearest.h"
#include "pipelines/parse.h"

namespace videocall::pipelines {

struct Pipeline::State {
  Description description;
  Settings settings{description};
  Selection selection;
  Counts counts;
  std::string text;
  ElementPtr element;
  std::vector<std::string> notes;
  std::vector<std::unique_ptr<DynamicPart>> dynamics;
};

namespace {

ElementPtr by_name(GstElement* bin, const std::string& name) {
  return ElementPtr(gst_bin_get_by_name(GST_BIN(bin), name.c_str()));
}

// |folder|/|name|, with "-2", "-3", … before the suffix if that is taken.
std::string free_path(const std::string& folder, const std::string& name) {
  namespace fs = std::filesystem;
  const fs::path wanted = fs::path(folder) / name;
  fs::path path = wanted;
  std::error_code error;
  // If that fails, who opens the file says why.
  fs::create_directory(folder, error);
  for (int i = 2; fs::exists(path, error); ++i)
    path.replace_filename(wanted.stem().string() + "-" + std::to_string(i) +
                          wanted.extension().string());
  return path.string();
}

}  // namespace

// Builds step by step; each step leaves its result in |state_|.
class Pipeline::Builder {
 public:
  explicit Builder(State& state) : s_(state) {}

  Result<void> run() {
    auto selection = s_.settings.selection();
    if (!selection) return selection.error();
    s_.selection = std::move(*selection);
    for (auto step : {&Builder::count, &Builder::parse, &Builder::set_all,
                      &Builder::branches, &Builder::dynamics}) {
      auto done = (this->*step)();
      if (!done) return done;
    }
    note_unused();
    return {};
  }

  // Sets what |parameter| sets on elements below |bin|.
  Result<void> apply_value(GstElement* bin, const Parameter& parameter) {
    auto value = s_.settings.value(parameter);
    if (!value) return value.error();
    if (!*value) return {};
    auto found = apply(bin, s_.description, s_.counts, parameter, **value);
    if (!found) return found.error();
    if (*found > 0) used_.insert(parameter.name);
    return {};
  }

  Result<void> add(const Branch& branch) {
    const ElementPtr from = by_name(s_.element.get(), branch.element);
    if (!from) return {};  // of an alternative that is not selected
    // Sunk at once, so that every way out frees what was made so far.
    const ElementPtr bin(
        GST_ELEMENT(gst_object_ref_sink(new_branch(branch.name))));
    auto input = add_branch_text(bin.get(), text_of(branch.launch.text), "sink",
                                 {branch.queue_ms, branch.queue_bytes});
    if (!input) return blame(branch, input.error());
    for (const Parameter& parameter : branch.parameters) {
      auto done = apply_value(bin.get(), parameter);
      if (!done) return done;
    }
    auto done = attach_branch(s_.element.get(), bin.get(), *input, from.get(),
                              branch.pad);
    if (!done) return blame(branch, done.error());
    return {};
  }

 private:
  std::string text_of(const std::string& text) {
    return without_comments(text);
  }

  Error blame(const Branch& branch, const Error& error) {
    return fault_at(s_.description.file, branch.launch.line,
                    "branch " + branch.name + ": " + error.message, error.code);
  }

  Result<void> count() {
    for (const Fragment& fragment : s_.description.fragments) {
      if (fragment.repeat.empty()) continue;
      const Parameter* parameter =
          s_.description.find_parameter(fragment.repeat);
      auto value = s_.settings.value(*parameter);
      if (!value) return value.error();
      const int64_t* number = *value ? std::get_if<int64_t>(&**value) : nullptr;
      s_.counts[fragment.name] = number ? uint64_t(*number) : 0;
      used_.insert(parameter->name);
    }
    return {};
  }

  Result<void> parse() {
    auto text = expand(s_.description, s_.selection, s_.counts);
    if (!text) return text.error();
    s_.text = std::move(*text);
    ParseFault fault;
    auto element = parse_pipeline(s_.text, s_.description.name, &fault);
    if (!element) {
      const uint32_t line =
          line_of_word(s_.description, fault.word, s_.description.launch.line);
      return fault_at(s_.description.file, line, element.error().message,
                      element.error().code);
    }
    s_.element = std::move(*element);
    return {};
  }

  Result<void> set_all() {
    for (const Parameter* parameter : s_.settings.effective(s_.selection)) {
      auto done = apply_value(s_.element.get(), *parameter);
      if (!done) return done;
    }
    return {};
  }

  Result<void> branches() {
    for (const Branch& branch : s_.description.branches) {
      auto wanted = s_.settings.holds(branch.when, s_.selection);
      if (!wanted) return wanted.error();
      if (!branch.when.name.empty()) used_.insert(branch.when.name);
      if (!*wanted) continue;
      auto done = add(branch);
      if (!done) return done;
    }
    return {};
  }

  Result<void> dynamics() {
    for (const Dynamic& dynamic : s_.description.dynamics) {
      auto wanted = s_.settings.holds(dynamic.when, s_.selection);
      if (!wanted) return wanted.error();
      if (!*wanted) continue;
      const ElementPtr from = by_name(s_.element.get(), dynamic.element);
      if (!from) continue;
      std::vector<const Parameter*> parameters =
          s_.settings.effective(s_.selection);
      for (const Parameter& own : dynamic.parameters)
        parameters.push_back(&own);
      // Now, not when the first participant comes: is every value there?
      for (const Parameter* parameter : parameters) {
        auto value = s_.settings.value(*parameter);
        if (!value) return value.error();
        if (sets_in(dynamic, *parameter)) used_.insert(parameter->name);
      }
      s_.dynamics.push_back(std::make_unique<DynamicPart>(
          s_.element.get(), from.get(), dynamic,
          [&state = s_, parameters](
              GstElement* group,
              const std::map<std::string, std::string>& labels) {
            return configure(state, parameters, group, labels);
          }));
    }
    return {};
  }

  static bool sets_in(const Dynamic& dynamic, const Parameter& parameter) {
    std::string text = dynamic.launch.text;
    for (const auto& [pattern, part] : dynamic.pads) text += " ! " + part.text;
    for (const NamedElement& element : named_elements(text))
      for (const Target& target : parameter.sets)
        if (target.element == element.name) return true;
    return false;
  }

  // Sets the parameters of one group of a dynamic part, on any thread.
  static Result<std::string> configure(
      const State& state, const std::vector<const Parameter*>& parameters,
      GstElement* group, const std::map<std::string, std::string>& labels) {
    std::string path;
    for (const Parameter* parameter : parameters) {
      auto value = state.settings.value(*parameter);
      if (!value) return value.error();
      if (!*value) continue;
      if (!parameter->file_name.empty()) {
        path =
            free_path(value_text(**value), fill(parameter->file_name, labels));
        *value = Value(path);
      }
      auto done =
          apply(group, state.description, state.counts, *parameter, **value);
      if (!done) return done.error();
    }
    return path;
  }

  void note_unused() {
    for (const Parameter* parameter : s_.description.all_parameters()) {
      if (parameter->sets.empty() || !s_.settings.given(parameter->name) ||
          !used_.insert(parameter->name).second)
        continue;
      s_.notes.push_back(parameter->name +
                         " has no effect with what is chosen");
    }
  }

  State& s_;
  std::set<std::string> used_;
};

Result<std::unique_ptr<Pipeline>> Pipeline::build(
    const Description& description, const Settings& settings) {
  auto state = std::make_unique<State>();
  state->description = description;
  settings.give_to(state->settings);
  Builder builder(*state);
  auto built = builder.run();
  if (!built) return built.error();
  return std::unique_ptr<Pipeline>(new Pipeline(std::move(state)));
}

Pipeline::Pipeline(std::unique_ptr<State> state) : state_(std::move(state)) {}

Pipeline::~Pipeline() {
  finish_dynamics();
  gst_element_set_state(state_->element.get(), GST_STATE_NULL);
}

GstElement* Pipeline::element() const {
  return state_->element.get();
}

ElementPtr Pipeline::find(std::string_view name) const {
  return by_name(state_->element.get(), std::string(name));
}

const std::vector<std::string>& Pipeline::notes() const {
  return state_->notes;
}

const std::string& Pipeline::launch_text() const {
  return state_->text;
}

void Pipeline::finish_dynamics() {
  state_->dynamics.clear();
}

void Pipeline::set_label(const std::string& group, const std::string& name,
                         const std::string& text) {
  for (const auto& dynamic : state_->dynamics)
    dynamic->set_label(group, name, text);
}

bool Pipeline::has_branch(std::string_view name) const {
  const ElementPtr found = find(name);
  return found && !branch_is_closed(found.get());
}

Result<void> Pipeline::add_branch(std::string_view name) {
  std::vector<std::string> names;
  for (const Branch& branch : state_->description.branches) {
    names.push_back(branch.name);
    if (branch.name != name) continue;
    if (find(name))
      return Error{Errc::invalid_argument,
                   "the branch " + branch.name + " is there already"};
    return Builder(*state_).add(branch);
  }
  return Error{Errc::invalid_argument, "no branch \"" + std::string(name) +
                                           "\"" + suggestion(name, names)};
}

Result<void> Pipeline::remove_branch(std::string_view name) {
  const ElementPtr found = find(name);
  if (!found || branch_is_closed(found.get()))
    return Error{Errc::invalid_argument,
                 "the branch " + std::string(name) + " is not there"};
  detach_branch(found.get());
  return {};
}

}  // namespace videocall::pipelines
