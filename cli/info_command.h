// SPDX-License-Identifier: MIT
// info: what cameras and microphones there are and what they can do.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace videocall::cli {

class InfoCommand {
 public:
  explicit InfoCommand(CLI::App& app);
  [[nodiscard]] int run() const;
  [[nodiscard]] CLI::App& app() const { return *app_; }

 private:
  [[nodiscard]] int list(const char* device_class) const;
  [[nodiscard]] int list_formats(const std::string& which,
                                 bool resolutions) const;

  CLI::App* app_;
  bool cameras_ = false;
  bool microphones_ = false;
  std::string formats_of_;
  std::string resolutions_of_;
  bool json_ = false;
};

}  // namespace videocall::cli
