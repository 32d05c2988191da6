// SPDX-License-Identifier: MIT
// videocall-cli: send to, watch and record meetings; run pipelines.
#include <gst/gst.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cli/exit_code.h"
#include "cli/info_command.h"
#include "cli/loadtest/loadtest_command.h"
#include "cli/pipelines_command.h"
#include "cli/run_command.h"
#include "pipelines/nearest.h"
#include "pipelines/paths.h"

namespace videocall::cli {
namespace {

constexpr char kExamples[] =
    "Examples:\n"
    "  videocall-cli stream --meeting-id demo --user-id cam\n"
    "  videocall-cli watch --meeting-id demo --user-id eye\n"
    "  videocall-cli watch --meeting-id demo --user-id rec --record ./films\n"
    "  videocall-cli info --list-cameras\n"
    "  videocall-cli run ./my-stream.toml --help\n"
    "  videocall-cli loadtest --viewers 100\n"
    "\n"
    "\"videocall-cli COMMAND --help\" shows the flags of a command and more "
    "examples.\n\n";

// The command and, of "run", the description: they decide which flags there
// are, so they must be known before the flags are read.
struct Meant {
  std::string command;
  std::string argument;
};

Meant meant(const std::vector<std::string>& words) {
  Meant out;
  for (const std::string& word : words) {
    if (!word.empty() && word[0] == '-') {
      if (out.command.empty()) continue;
      break;
    }
    if (out.command.empty()) {
      out.command = word;
    } else {
      out.argument = word;
      break;
    }
  }
  return out;
}

void collect_flags(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames())
      names.push_back("--" + name);
}

std::string words_of(const CLI::App& app) {
  std::string words;
  for (const CLI::App* sub : app.get_subcommands({}))
    words += (words.empty() ? "" : ", ") + sub->get_name();
  return words;
}

// CLI11 says which word it did not expect; this says which was meant.
int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  std::string text = error.what();
  const CLI::App* used = &app;
  std::string path = app.get_name();
  while (!used->get_subcommands().empty()) {
    used = used->get_subcommands().front();
    path += " " + used->get_name();
  }
  if (error.get_name() == "RequiredError" && !used->get_subcommands({}).empty())
    text = "say what to do: " + words_of(*used);
  if (error.get_name() == "ArgumentMismatch")
    text = text.substr(0, text.find(':')) + " needs a value";
  if (!app.remaining(true).empty()) {
    std::vector<std::string> names;
    collect_flags(*used, names);
    if (used == &app)
      for (const CLI::App* sub : app.get_subcommands(nullptr))
        names.push_back(sub->get_name());
    for (const std::string& word : app.remaining(true)) {
      const std::string bare = word.substr(0, word.find('='));
      text = "unknown flag or word \"" + word + "\"";
      const std::string close = pipelines::nearest(bare, names);
      if (!close.empty()) text += "; did you mean " + close + "?";
      break;
    }
  }
  std::fprintf(stderr, "videocall-cli: %s (%s --help shows every flag)\n",
               text.c_str(), path.c_str());
  return kUsage;
}

struct Commands {
  explicit Commands(CLI::App& app)
      : stream(app, "stream",
               "Send a camera, a file or a test pattern to a meeting"),
        watch(app, "watch", "Watch or record a meeting"),
        run(app, "run", "Run a pipeline description"),
        info(app),
        loadtest(app),
        pipelines(app) {}

  std::optional<Trouble> load(const Meant& what) {
    if (what.command == "stream") return stream.load("stream");
    if (what.command == "watch") return watch.load("watch");
    if (what.command != "run") return std::nullopt;
    if (what.argument.empty()) {
      run.app().footer(
          "FILE is a description (docs/pipelines.md) or a name of "
          "\"videocall-cli pipelines list\"; it comes first, and then it "
          "decides which flags there are.\n\n"
          "Examples:\n"
          "  videocall-cli run ./my-stream.toml --help\n"
          "  videocall-cli run ./my-stream.toml --bitrate-kbps 800\n\n" +
          std::string(kExitCodeHelp));
      run.app().add_option("FILE", file)->required();
      return std::nullopt;
    }
    auto trouble = run.load(what.argument);
    if (!trouble)
      run.app()
          .add_option("FILE", file, "The description, or its name")
          ->required();
    return trouble;
  }

  int execute() {
    if (stream.app().parsed()) return stream.run();
    if (watch.app().parsed()) return watch.run();
    if (run.app().parsed()) return run.run();
    if (info.app().parsed()) return info.run();
    return pipelines.run();
  }

  RunCommand stream;
  RunCommand watch;
  RunCommand run;
  InfoCommand info;
  loadtest::LoadtestCommand loadtest;
  PipelinesCommand pipelines;
  std::string file;
};

int main_with_errors(int argc, char** argv) {
  CLI::App app("Send to, watch and record videocall meetings; run pipelines.",
               "videocall-cli");
  app.set_version_flag("--version", "videocall-cli " VIDEOCALL_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples + std::string(kExitCodeHelp));
  app.set_help_all_flag("");
  Commands commands(app);
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (auto trouble = commands.load(meant(words))) {
    std::fprintf(stderr, "videocall-cli: %s\n", trouble->text.c_str());
    return trouble->code;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);  // --help, --version
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  // It forks, which a process with GStreamer's threads must not.
  if (commands.loadtest.app().parsed()) return commands.loadtest.run();
  gst_init(nullptr, nullptr);
  pipelines::register_own_plugins();
  return commands.execute();
}

}  // namespace
}  // namespace videocall::cli

int main(int argc, char** argv) {
  try {
    return videocall::cli::main_with_errors(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "videocall-cli: internal error: %s\n", error.what());
    return videocall::cli::kInternal;
  }
}
