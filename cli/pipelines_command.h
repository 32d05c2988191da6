// SPDX-License-Identifier: MIT
// pipelines: which descriptions there are, what one says, and whether it is
// right.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace videocall::cli {

class PipelinesCommand {
 public:
  explicit PipelinesCommand(CLI::App& app);
  [[nodiscard]] int run() const;
  [[nodiscard]] CLI::App& app() const { return *app_; }

 private:
  [[nodiscard]] int list() const;
  [[nodiscard]] int show() const;
  [[nodiscard]] int check() const;

  CLI::App* app_;
  CLI::App* list_;
  CLI::App* show_;
  CLI::App* check_;
  std::string which_;
};

}  // namespace videocall::cli
