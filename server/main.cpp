// SPDX-License-Identifier: MIT
// videocalld: reads the configuration, runs the daemon, tells how it ended.
#include <gst/gst.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "server/configuration_check.h"
#include "server/configuration_sources.h"
#include "server/daemon.h"
#include "server/log.h"
#include "server/pipeline_relay.h"

namespace server = videocall::server;

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfiguration = 2;

std::unique_ptr<server::Relay> make_relay(
    const server::Daemon::RelaySettings& from) {
  return std::make_unique<server::PipelineRelay>(
      server::PipelineRelay::Settings::from(from.configuration, from.node_id,
                                            from.resume_key));
}

int fail(const videocall::Error& error, int exit_code) {
  std::fprintf(stderr, "videocalld: %s\n", error.message.c_str());
  return exit_code;
}

int serve(const server::Configuration& configuration,
          const server::Daemon::ReadConfiguration& read_again) {
  gst_init(nullptr, nullptr);
  server::start_log(configuration.log_level, configuration.log_format);
  server::Daemon daemon(configuration, make_relay, read_again);
  if (auto started = daemon.start(); !started)
    return fail(started.error(), kExitFailed);
  return daemon.run();
}

int check(const server::Configuration& configuration) {
  gst_init(nullptr, nullptr);
  if (auto good = server::check_files(configuration); !good)
    return fail(good.error(), kExitConfiguration);
  std::puts("videocalld: the configuration is good");
  return 0;
}

int run(int argc, char** argv) {
  using Action = server::CommandLine::Action;
  const auto line = server::read_command_line(argc, argv, environ);
  if (!line) return fail(line.error(), kExitConfiguration);
  switch (line->action) {
    case Action::print_help:
      std::fputs(line->help.c_str(), stdout);
      return 0;
    case Action::print_version:
      std::puts("videocalld " VIDEOCALL_VERSION);
      return 0;
    case Action::print_configuration:
      std::fputs(server::print_configuration(line->configuration).c_str(),
                 stdout);
      return 0;
    case Action::check:
      return check(line->configuration);
    case Action::serve:
      break;
  }
  const auto read_again = [argc,
                           argv]() -> videocall::Result<server::Configuration> {
    auto again = server::read_command_line(argc, argv, environ);
    if (!again) return again.error();
    return std::move(again->configuration);
  };
  return serve(line->configuration, read_again);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "videocalld: %s\n", error.what());
    return kExitFailed;
  }
}
