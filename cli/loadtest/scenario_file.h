// SPDX-License-Identifier: MIT
// A scenario as a TOML file: the command's own flags without their dashes.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "libvideocall/base/result.h"

namespace videocall::loadtest {

// Gives what |path| says to those options of |app| that the command line left
// alone. Errors name file, line and, for a wrong key, the nearest right one.
Result<void> apply_scenario_file(const std::string& path, CLI::App& app);

}  // namespace videocall::loadtest
