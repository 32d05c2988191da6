// SPDX-License-Identifier: MIT
// A description's parameters as command line flags.
#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"
#include "pipelines/settings.h"

namespace videocall::cli {

class Flags {
 public:
  // Adds a flag for every choice and parameter of |description| to |app|, in
  // groups that say with which alternative each has a meaning. |description|
  // is borrowed and must outlive the flags.
  Flags(CLI::App& app, const pipelines::Description& description);

  // Hands what was given to |settings|. Errors name the flag.
  Result<void> give_to(pipelines::Settings& settings) const;

  [[nodiscard]] bool given(const std::string& name) const;

 private:
  void add_choice(const pipelines::Choice& choice);
  void add_parameter(const pipelines::Parameter& parameter,
                     const std::string& group);

  CLI::App& app_;
  // Name of the parameter or choice → its text. The addresses are CLI11's.
  std::map<std::string, std::string> texts_;
  std::map<std::string, CLI::Option*> options_;
  // Flags that stand for one alternative: choice, alternative, option.
  struct Shortcut {
    std::string choice;
    std::string alternative;
    CLI::Option* option;
  };
  std::vector<Shortcut> shortcuts_;
};

// "Camera\n\nhelp" as the help text of |app| wants it: purpose and examples.
void teach(CLI::App& app, const pipelines::Description& description);

}  // namespace videocall::cli
