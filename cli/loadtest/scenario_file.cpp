// SPDX-License-Identifier: MIT
#include "cli/loadtest/scenario_file.h"

#include <toml++/toml.h>
#include <sstream>
#include <vector>

#include "pipelines/nearest.h"

namespace videocall::loadtest {
namespace {

// Flags that say what to do with a run, not what it is.
bool is_scenario(const CLI::Option* option) {
  const std::string& name = option->get_single_name();
  return name != "scenario" && name != "help";
}

std::string place_of(const std::string& path, unsigned line) {
  return path + ":" + std::to_string(line);
}

std::string text_of(const toml::node& node) {
  std::ostringstream out;
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* flag = node.as_boolean())
    return flag->get() ? "true" : "false";
  if (const auto* whole = node.as_integer()) {
    out << whole->get();
  } else if (const auto* real = node.as_floating_point()) {
    out << real->get();
  } else if (const auto* list = node.as_array()) {
    const char* comma = "";
    for (const toml::node& item : *list) {
      out << comma << text_of(item);
      comma = ",";
    }
  }
  return out.str();
}

std::vector<std::string> known_keys(const CLI::App& app) {
  std::vector<std::string> keys;
  for (const CLI::Option* option : app.get_options())
    if (is_scenario(option)) keys.push_back(option->get_single_name());
  return keys;
}

}  // namespace

Result<void> apply_scenario_file(const std::string& path, CLI::App& app) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream where;
    where << path << ":" << error.source().begin.line << ": "
          << error.description();
    return Error{Errc::invalid_argument, where.str()};
  }
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    const auto wrong = [&, line = node.source().begin.line](
                           const std::string& why) {
      return Error{Errc::invalid_argument, place_of(path, line) + ": " + why};
    };
    CLI::Option* option = app.get_option_no_throw("--" + name);
    if (!option || !is_scenario(option))
      return wrong("unknown key \"" + name + "\"" +
                   pipelines::suggestion(name, known_keys(app)));
    if (option->count() > 0) continue;  // the command line knows better
    const std::string text = text_of(node);
    if (text.empty()) return wrong("\"" + name + "\" needs a plain value");
    try {
      option->add_result(text);
      option->run_callback();
    } catch (const CLI::Error& error) {
      return wrong(error.what());
    }
  }
  return {};
}

}  // namespace videocall::loadtest
