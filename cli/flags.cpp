// SPDX-License-Identifier: MIT
#include "cli/flags.h"

#include <algorithm>
#include <cctype>

#include "cli/exit_code.h"
#include "pipelines/nearest.h"
#include "pipelines/value.h"

namespace videocall::cli {
namespace {

using pipelines::Alternative;
using pipelines::Choice;
using pipelines::Description;
using pipelines::Parameter;
using pipelines::Type;

std::string flag_names(const std::string& name, const std::string& short_name) {
  std::string names = "--" + name;
  if (!short_name.empty()) names = "-" + short_name + "," + names;
  return names;
}

std::string environment_name(const std::string& name) {
  std::string out = "VIDEOCALL_";
  for (char c : name)
    out += c == '-' ? '_' : char(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

Flags::Flags(CLI::App& app, const Description& description) : app_(app) {
  for (const Parameter& p : description.parameters) add_parameter(p, "Options");
  for (const Choice& choice : description.choices) add_choice(choice);
  for (const Choice& choice : description.choices)
    for (const Alternative& a : choice.alternatives)
      for (const Parameter& p : a.parameters)
        add_parameter(p, "With --" + choice.name + " " + a.name);
  for (const auto& branch : description.branches)
    for (const Parameter& p : branch.parameters)
      add_parameter(p, "Branch " + branch.name);
  for (const auto& dynamic : description.dynamics)
    for (const Parameter& p : dynamic.parameters) add_parameter(p, "Options");
}

void Flags::add_choice(const Choice& choice) {
  std::vector<std::string> names;
  std::string help = choice.help + ":";
  for (const Alternative& a : choice.alternatives) {
    names.push_back(a.name);
    help += "\n" + a.name + ": " + a.help;
  }
  options_[choice.name] =
      app_.add_option(flag_names(choice.name, choice.short_name),
                      texts_[choice.name], help)
          ->type_name(pipelines::join(names) + ", default " +
                      choice.default_name)
          ->group("Choices");
  for (const Alternative& a : choice.alternatives) {
    if (a.flag.empty()) continue;
    const std::string help_text = "The same as --" + choice.name + " " + a.name;
    CLI::Option* option =
        app_.add_flag("--" + a.flag, help_text)->group("Choices");
    shortcuts_.push_back({choice.name, a.name, option});
  }
}

void Flags::add_parameter(const Parameter& p, const std::string& group) {
  if (options_.count(p.name)) return;  // shared by several alternatives
  const std::string names = flag_names(p.name, p.short_name);
  CLI::Option* option = nullptr;
  if (p.type == Type::boolean) {
    option = app_.add_flag(names, texts_[p.name], p.help);
  } else {
    option = app_.add_option(names, texts_[p.name], p.help)
                 ->type_name(pipelines::describe_type(p));
  }
  // A command line is for all to read in the list of processes.
  if (p.type == Type::secret) option->envname(environment_name(p.name));
  option->group(group);
  options_[p.name] = option;
}

bool Flags::given(const std::string& name) const {
  const auto it = options_.find(name);
  return it != options_.end() && it->second->count() > 0;
}

Result<void> Flags::give_to(pipelines::Settings& settings) const {
  for (const Shortcut& shortcut : shortcuts_) {
    if (shortcut.option->count() == 0) continue;
    auto done = settings.set(shortcut.choice, shortcut.alternative);
    if (!done) return done;
  }
  for (const auto& [name, option] : options_) {
    if (option->count() == 0) continue;
    auto done = settings.set(name, texts_.at(name));
    if (!done) return Error{done.error().code, "--" + done.error().message};
  }
  return {};
}

void teach(CLI::App& app, const Description& description) {
  std::string text = description.title + ".";
  if (!description.purpose.empty()) text += "\n\n" + description.purpose;
  app.description(text);
  std::string footer;
  if (!description.examples.empty()) {
    footer += "Examples:\n";
    for (const std::string& example : description.examples)
      footer += "  " + example + "\n";
    footer += "\n";
  }
  app.footer(footer + kExitCodeHelp);
}

}  // namespace videocall::cli
