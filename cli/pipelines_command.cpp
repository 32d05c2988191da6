// SPDX-License-Identifier: MIT
#include "cli/pipelines_command.h"

#include <cstdio>
#include <fstream>
#include <iostream>

#include "cli/exit_code.h"
#include "cli/trouble.h"
#include "pipelines/description.h"
#include "pipelines/element_check.h"
#include "pipelines/paths.h"

namespace videocall::cli {
namespace {

int fail(const Trouble& trouble) {
  std::fprintf(stderr, "videocall-cli: %s\n", trouble.text.c_str());
  return trouble.code;
}

}  // namespace

PipelinesCommand::PipelinesCommand(CLI::App& app)
    : app_(app.add_subcommand("pipelines",
                              "List, show and check pipeline descriptions")) {
  list_ = app_->add_subcommand("list", "The descriptions that can be named");
  show_ = app_->add_subcommand("show", "Print one description");
  check_ = app_->add_subcommand(
      "check",
      "Check a description, its elements and properties, without "
      "running it");
  for (CLI::App* command : {show_, check_})
    command->add_option("NAME", which_, "A name of the list, or a file")
        ->required()
        ->type_name("");
  app_->require_subcommand(1);
  app_->footer(
      "Examples:\n"
      "  videocall-cli pipelines list\n"
      "  videocall-cli pipelines show stream > my-stream.toml\n"
      "  videocall-cli pipelines check ./my-stream.toml\n"
      "  videocall-cli run ./my-stream.toml --help\n\n" +
      std::string(kExitCodeHelp));
}

int PipelinesCommand::run() const {
  if (list_->parsed()) return list();
  return show_->parsed() ? show() : check();
}

int PipelinesCommand::list() const {
  for (const auto& path : pipelines::list_descriptions()) {
    const auto description = pipelines::Description::load(path);
    std::printf("%-10s %s  (%s)\n", path.stem().c_str(),
                description.ok() ? description->title.c_str()
                                 : "has faults, see pipelines check",
                path.c_str());
  }
  return kOk;
}

int PipelinesCommand::show() const {
  auto path = pipelines::find_description(which_);
  if (!path) return fail({kDescription, path.error().message});
  std::ifstream in(*path, std::ios::binary);
  if (!in) return fail({kDescription, path->string() + " cannot be read"});
  std::cout << in.rdbuf() << std::flush;
  return kOk;
}

int PipelinesCommand::check() const {
  auto path = pipelines::find_description(which_);
  if (!path) return fail({kDescription, path.error().message});
  auto description = pipelines::Description::load(*path);
  if (!description) return fail({kDescription, description.error().message});
  auto checked = pipelines::check_elements(*description);
  if (!checked) return fail({kDescription, checked.error().message});
  std::printf("%s: no faults\n", path->c_str());
  return kOk;
}

}  // namespace videocall::cli
