// SPDX-License-Identifier: MIT
#include "server/configuration_sources.h"

#include <glib.h>
#include <toml++/toml.h>

#include <CLI/CLI.hpp>
#include <map>
#include <optional>

namespace videocall::server {
namespace {

constexpr std::string_view kPrefix = "VIDEOCALL_";
constexpr std::string_view kCheckWord = "check-config";
constexpr size_t kVariableSlips = 2;
constexpr const char* kConfigVariable = "VIDEOCALL_CONFIG";

Error wrong(std::string message) {
  return Error{Errc::invalid_argument, std::move(message)};
}

std::string suggestion(std::string_view name, std::string_view before = "") {
  const Key* nearest = nearest_key(name);
  if (nearest == nullptr) return "; --print-config shows all keys";
  return "; did you mean " + std::string(before) + nearest->name + "?";
}

// -- The file ----------------------------------------------------------------

std::string place(const std::string& file, const toml::source_region& source) {
  return file + ":" + std::to_string(source.begin.line) + ": ";
}

std::string kind_wanted(const Key& key) {
  switch (key.member.index()) {
    case 0:
      return "a text in quotes";
    case 1:
      return "true or false";
    case 2:
      return "a whole number";
    default:
      return "a list of texts: [\"…\", \"…\"]";
  }
}

// The values of |node| as texts; nullopt if it has not the key's type.
std::optional<std::vector<std::string>> texts_of(const toml::node& node,
                                                 const Key& key) {
  if (key.member.index() == 3) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return std::nullopt;
    std::vector<std::string> values;
    for (const toml::node& item : *array) {
      const auto text = item.value_exact<std::string>();
      if (!text) return std::nullopt;
      values.push_back(*text);
    }
    return values;
  }
  if (key.member.index() == 0) {
    const auto text = node.value_exact<std::string>();
    return text ? std::optional(std::vector{*text}) : std::nullopt;
  }
  if (key.member.index() == 1) {
    const auto flag = node.value_exact<bool>();
    return flag ? std::optional(
                      std::vector<std::string>{*flag ? "true" : "false"})
                : std::nullopt;
  }
  const auto number = node.value_exact<int64_t>();
  return number ? std::optional(std::vector{std::to_string(*number)})
                : std::nullopt;
}

Result<void> apply_table(Configuration& configuration, const toml::table& table,
                         const std::string& name) {
  for (const auto& [toml_key, node] : table) {
    const std::string where = place(name, toml_key.source());
    const Key* key = find_key(toml_key.str());
    if (key == nullptr)
      return wrong(where + "unknown key " + std::string(toml_key.str()) +
                   suggestion(toml_key.str()));
    const auto values = texts_of(node, *key);
    if (!values)
      return wrong(where + key->name + " takes " + kind_wanted(*key));
    if (auto set = set_value(configuration, *key, *values); !set)
      return wrong(where + key->name + ": " + set.error().message);
  }
  return {};
}

Result<void> apply_file(Configuration& configuration, const std::string& path) {
  gchar* contents = nullptr;
  gsize size = 0;
  GError* error = nullptr;
  if (!g_file_get_contents(path.c_str(), &contents, &size, &error)) {
    Error failure =
        wrong("cannot read the configuration: " + std::string(error->message));
    g_error_free(error);
    return failure;
  }
  const std::string text(contents, size);
  g_free(contents);
  return apply_toml(configuration, text, path);
}

// -- The environment ---------------------------------------------------------

using Environment = std::map<std::string, std::string, std::less<>>;

Environment our_variables(const char* const* environment) {
  Environment found;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    const size_t equals = entry.find('=');
    if (!entry.starts_with(kPrefix) || equals == std::string_view::npos)
      continue;
    found.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return found;
}

std::string key_name_of(std::string_view variable) {
  std::string name(variable.substr(kPrefix.size()));
  for (char& c : name)
    c = c == '_'
            ? '-'
            : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

Result<void> apply_environment(Configuration& configuration,
                               const Environment& environment) {
  for (const auto& [variable, value] : environment) {
    if (variable == kConfigVariable) continue;
    const std::string name = key_name_of(variable);
    if (const Key* key = find_key(name)) {
      if (auto set = set_value(configuration, *key, {value}); !set)
        return wrong(variable + ": " + set.error().message);
    } else if (const Key* nearest = nearest_key(name, kVariableSlips)) {
      // Other programs of the house read variables with our prefix too, so
      // only what looks like a slip is an error.
      return wrong("unknown variable " + variable + "; did you mean " +
                   environment_name(*nearest) + "?");
    }
  }
  return {};
}

// -- The command line --------------------------------------------------------

struct Flags {
  std::map<const Key*, std::vector<std::string>> values;
  std::string file;
  bool print_configuration = false;
  bool print_version = false;
  bool print_help = false;
};

void add_flags(CLI::App& app, Flags& flags) {
  app.set_help_flag();
  app.add_flag("-h,--help", flags.print_help);
  app.add_flag("--version", flags.print_version);
  app.add_flag("--print-config", flags.print_configuration);
  app.add_option("--config", flags.file);
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys) {
      auto& values = flags.values[&key];
      CLI::Option* option =
          app.add_option(std::string("--") + key.name, values);
      // --behind-proxy alone means true.
      if (std::holds_alternative<bool Configuration::*>(key.member))
        option->expected(0, 1)->default_str("true");
      else
        option->allow_extra_args(false);
    }
}

// The first flag that no key has, for a message better than CLI11's.
std::optional<std::string> unknown_flag(const CLI::App& app, int argc,
                                        const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (!word.starts_with("--") || word.size() < 3) continue;
    word = word.substr(0, word.find('='));
    if (app.get_option_no_throw(std::string(word)) == nullptr)
      return std::string(word);
  }
  return std::nullopt;
}

Result<void> parse_flags(CLI::App& app, int argc, const char* const* argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const auto flag = unknown_flag(app, argc, argv))
      return wrong("unknown flag " + *flag +
                   suggestion(std::string_view(*flag).substr(2), "--"));
    const std::string text = error.what();
    if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr)
      return wrong(text.substr(0, text.find(':')) +
                   " needs one value; --help shows all flags");
    return wrong(text + "; --help shows all flags");
  }
  return {};
}

Result<void> apply_flags(Configuration& configuration, const Flags& flags) {
  for (const auto& [key, values] : flags.values) {
    if (values.empty()) continue;
    if (auto set = set_value(configuration, *key, values); !set)
      return wrong(std::string("--") + key->name + ": " + set.error().message);
  }
  return {};
}

}  // namespace

Result<void> apply_toml(Configuration& configuration, std::string_view text,
                        const std::string& name) {
  try {
    return apply_table(configuration, toml::parse(text), name);
  } catch (const toml::parse_error& error) {
    return wrong(place(name, error.source()) +
                 std::string(error.description()));
  }
}

Result<CommandLine> read_command_line(int argc, const char* const* argv,
                                      const char* const* environment) {
  CLI::App app;
  Flags flags;
  add_flags(app, flags);
  std::vector<const char*> words(argv, argv + argc);
  const bool check = argc > 1 && std::string_view(argv[1]) == kCheckWord;
  if (check) words.erase(words.begin() + 1);
  if (auto parsed =
          parse_flags(app, static_cast<int>(words.size()), words.data());
      !parsed)
    return parsed.error();

  CommandLine line;
  line.configuration = default_configuration();
  if (flags.print_help) {
    line.action = CommandLine::Action::print_help;
    line.help = print_help();
    return line;
  }
  if (flags.print_version) {
    line.action = CommandLine::Action::print_version;
    return line;
  }
  const Environment variables = our_variables(environment);
  if (const auto it = variables.find(kConfigVariable);
      flags.file.empty() && it != variables.end())
    flags.file = it->second;
  if (!flags.file.empty())
    if (auto applied = apply_file(line.configuration, flags.file); !applied)
      return applied.error();
  if (auto applied = apply_environment(line.configuration, variables); !applied)
    return applied.error();
  if (auto applied = apply_flags(line.configuration, flags); !applied)
    return applied.error();
  if (auto checked = check_configuration(line.configuration); !checked)
    return checked.error();
  if (check) line.action = CommandLine::Action::check;
  if (flags.print_configuration)
    line.action = CommandLine::Action::print_configuration;
  return line;
}

}  // namespace videocall::server
