// SPDX-License-Identifier: MIT
#include "cli/run_command.h"

#include <gst/gst.h>

#include <cstdio>
#include <cstdlib>
#include <set>

#include "cli/devices.h"
#include "cli/exit_code.h"
#include "pipelines/launch.h"
#include "pipelines/paths.h"

namespace videocall::cli {
namespace {

using pipelines::Alternative;
using pipelines::Choice;
using pipelines::Description;
using pipelines::Parameter;
using pipelines::Settings;

constexpr char kKeylogParameter[] = "keylog-file";
constexpr char kDefaultKeylog[] = "videocall-tls-keys.log";

// The alternative whose parameter of that name sets an element of |factory|.
const Alternative* alternative_for(const Choice& choice,
                                   const std::string& parameter,
                                   const std::string& factory) {
  for (const Alternative& a : choice.alternatives)
    for (const Parameter& p : a.parameters) {
      if (p.name != parameter) continue;
      for (const auto& element : pipelines::named_elements(a.launch.text))
        for (const auto& target : p.sets)
          if (target.element == element.name && element.factory == factory)
            return &a;
    }
  return nullptr;
}

const Choice* owner_of(const Description& d, const Parameter& parameter) {
  for (const Choice& choice : d.choices)
    for (const Alternative& a : choice.alternatives)
      for (const Parameter& p : a.parameters)
        if (&p == &parameter) return &choice;
  return nullptr;
}

// The dynamic parts of |d| that write files, by |parameters| that name them.
std::set<std::string> recordings_of(
    const Description& d, const std::vector<const Parameter*>& parameters) {
  std::set<std::string> found;
  for (const auto& dynamic : d.dynamics)
    for (const auto& element : pipelines::named_elements(dynamic.launch.text))
      for (const Parameter* parameter : parameters)
        for (const auto& target : parameter->sets)
          if (!parameter->file_name.empty() && target.element == element.name)
            found.insert(dynamic.name);
  return found;
}

}  // namespace

RunCommand::RunCommand(CLI::App& app, const std::string& name,
                       const std::string& help)
    : app_(app.add_subcommand(name, help)) {}

std::optional<Trouble> RunCommand::load(const std::string& which) {
  auto path = pipelines::find_description(which);
  if (!path) return Trouble{kDescription, path.error().message};
  auto description = Description::load(*path);
  if (!description) return Trouble{kDescription, description.error().message};
  description_ = std::move(*description);
  teach(*app_, *description_);
  flags_ = std::make_unique<Flags>(*app_, *description_);
  add_common_flags();
  return std::nullopt;
}

void RunCommand::add_common_flags() {
  app_->add_flag("--json", json_, "One JSON object a line on standard output")
      ->group("Running");
  app_->add_flag("-q,--quiet", quiet_, "Only errors")->group("Running");
  app_->add_option("--duration", duration_, "Leave after this long")
      ->type_name("seconds")
      ->check(CLI::Range(0.0, 1e7).description(""))
      ->group("Running");
  app_->add_option("--connect-timeout", connect_timeout_,
                   "Give up when the first connection takes longer, or after "
                   "three attempts; 0: only after these. A connection that is "
                   "lost later is restored for ever")
      ->type_name("seconds, default 15")
      ->check(CLI::Range(0.0, 1e6).description(""))
      ->group("Running");
  app_->add_flag("--print-pipeline", print_pipeline_,
                 "Print the launch text and do not run it")
      ->group("Running");
  if (description_->find_parameter(kKeylogParameter))
    app_->add_flag("--debug-keylog", debug_keylog_,
                   std::string("Write the TLS keys to $SSLKEYLOGFILE, or to ") +
                       kDefaultKeylog)
        ->group("Running");
}

Style RunCommand::style() const {
  if (json_) return Style::json;
  return quiet_ ? Style::quiet : default_style();
}

void RunCommand::choose_keylog(Settings& settings) const {
  if (!debug_keylog_ || settings.given(kKeylogParameter)) return;
  const char* file = std::getenv("SSLKEYLOGFILE");
  (void)settings.set(kKeylogParameter, file && *file ? file : kDefaultKeylog);
}

// A device is given by number, name or address; its element wants the
// address. Without a camera given, the first one is meant.
std::optional<Trouble> RunCommand::choose_devices(Settings& settings) const {
  std::set<std::string> done;
  auto selection = settings.selection();
  if (!selection) return trouble_of_settings(selection.error());
  for (const Parameter* parameter : settings.effective(*selection)) {
    if (parameter->device.empty() || !done.insert(parameter->name).second)
      continue;
    const std::string* text = settings.given(parameter->name);
    if (text && text->rfind("/", 0) == 0) continue;  // an address already
    auto device = find_device(parameter->device.c_str(), text ? *text : "0");
    if (!device) return Trouble{kNoDevice, device.error().message};
    const Choice* choice = owner_of(*description_, *parameter);
    const Alternative* fitting =
        choice ? alternative_for(*choice, parameter->name, device->factory)
               : nullptr;
    if (choice && !settings.given(choice->name) && fitting)
      (void)settings.set(choice->name, fitting->name);
    if (device->address.empty())
      return Trouble{kNoDevice, "the " + device_word(parameter->device) +
                                    " \"" + device->name + "\" (" +
                                    device->factory +
                                    ") cannot be opened by address; write a "
                                    "description of your own for it "
                                    "(docs/pipelines.md)"};
    auto set = settings.set(parameter->name, device->address);
    if (!set) return trouble_of_settings(set.error());
  }
  return std::nullopt;
}

int RunCommand::run() {
  Console console(style());
  const auto fail = [&](const Trouble& trouble) {
    console.error(trouble.text, trouble.code);
    return int(trouble.code);
  };
  Settings settings(*description_);
  if (auto given = flags_->give_to(settings); !given)
    return fail(trouble_of_settings(given.error()));
  choose_keylog(settings);
  if (auto complete = settings.complete(); !complete)
    return fail(trouble_of_settings(
        {complete.error().code, "--" + complete.error().message}));
  if (auto trouble = choose_devices(settings)) return fail(*trouble);
  auto pipeline = pipelines::Pipeline::build(*description_, settings);
  if (!pipeline) return fail(trouble_of_build(pipeline.error()));
  for (const std::string& note : (*pipeline)->notes())
    console.warning("--" + note);
  if (print_pipeline_) {
    std::printf("%s\n", (*pipeline)->launch_text().c_str());
    return kOk;
  }
  RunOptions options;
  options.duration = std::chrono::milliseconds(int64_t(duration_ * 1'000));
  options.connect_timeout =
      std::chrono::milliseconds(int64_t(connect_timeout_ * 1'000));
  if (description_->name == "stream") options.others_word = "viewers";
  if (auto selection = settings.selection())
    options.recordings =
        recordings_of(*description_, settings.effective(*selection));
  return Runner(**pipeline, console, options).run();
}

}  // namespace videocall::cli
