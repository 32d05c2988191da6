// SPDX-License-Identifier: MIT
// Where a configuration comes from: command line, environment, file.
#pragma once

#include <string>

#include "libvideocall/base/result.h"
#include "server/configuration.h"

namespace videocall::server {

// What the command line asks for.
struct CommandLine {
  enum class Action {
    serve,
    check,  // `check-config` in front of the flags
    print_help,
    print_version,
    print_configuration,
  };
  Action action = Action::serve;
  Configuration configuration;
  std::string help;  // the text for print_help
};

// Reads all sources; |environment| ends with a nullptr (as environ does).
// The configuration is checked unless only help or the version is wanted.
// Errors: invalid_argument; the message names the flag, the variable or the
// file with its line, and what would be right.
Result<CommandLine> read_command_line(int argc, const char* const* argv,
                                      const char* const* environment);

// Sets what the TOML text sets; |name| stands in messages. Errors as above.
Result<void> apply_toml(Configuration& configuration, std::string_view text,
                        const std::string& name);

}  // namespace videocall::server
