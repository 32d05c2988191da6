// SPDX-License-Identifier: MIT
// loadtest: many publishers and viewers against a server, what reached them
// and what it cost.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/loadtest/bounds.h"
#include "cli/loadtest/director.h"
#include "cli/loadtest/scenario.h"

namespace videocall::loadtest {

class LoadtestCommand {
 public:
  explicit LoadtestCommand(CLI::App& app);
  // Forks: call it before the process has threads or GStreamer.
  [[nodiscard]] int run();
  [[nodiscard]] CLI::App& app() const { return *app_; }

 private:
  void add_who();
  void add_when();
  void add_video();
  void add_sound();
  void add_viewers();
  void add_output();
  void add_bounds();
  [[nodiscard]] Director::Watcher watcher(LiveTable& table) const;
  [[nodiscard]] int report_failure(const Director::Failure& failure) const;
  [[nodiscard]] int report(const Results& results) const;

  CLI::App* app_;
  Scenario scenario_;
  Bounds bounds_;
  std::string scenario_file_;
  std::string json_file_;
  std::string report_file_;
  bool quiet_ = false;
};

}  // namespace videocall::loadtest
