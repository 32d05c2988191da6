// SPDX-License-Identifier: MIT
// stream, watch and run: a description, its flags, and the runner.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>

#include "cli/flags.h"
#include "cli/runner.h"
#include "pipelines/description.h"

namespace videocall::cli {

class RunCommand {
 public:
  // Adds the command |name| to |app|. Its description is loaded only when
  // that command is meant: see load().
  RunCommand(CLI::App& app, const std::string& name, const std::string& help);

  // Loads the description that |which| names and adds its flags. An error has
  // the exit code that follows.
  [[nodiscard]] std::optional<Trouble> load(const std::string& which);

  // Runs it. Call it after parsing, with GStreamer initialized.
  [[nodiscard]] int run();

  [[nodiscard]] CLI::App& app() const { return *app_; }

 private:
  void add_common_flags();
  std::optional<Trouble> choose_devices(pipelines::Settings& settings) const;
  void choose_keylog(pipelines::Settings& settings) const;
  [[nodiscard]] Style style() const;

  CLI::App* app_;
  std::optional<pipelines::Description> description_;
  std::unique_ptr<Flags> flags_;
  bool json_ = false;
  bool quiet_ = false;
  bool debug_keylog_ = false;
  bool print_pipeline_ = false;
  double duration_ = 0;
  double connect_timeout_ = 15;
};

}  // namespace videocall::cli
