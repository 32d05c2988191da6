// SPDX-License-Identifier: MIT
// videocalld: reads the configuration, runs the daemon, tells how it ended.
#include <gst/gst.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "server/configuration_sources.h"
#include "server/daemon.h"
#include "server/log.h"
#include "server/pipeline_relay.h"

namespace server = videocall::server;

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfiguration = 2;

// Keys that are parameters of the relay's description, of the same name.
constexpr const char* kLimits[] = {
    "max-sessions",   "max-sessions-per-address",
    "max-handshakes", "max-members",
    "max-packets-in", "max-bytes-in",
    "max-bytes-out",  "max-speakers",
    "max-cameras",
};

std::vector<std::pair<std::string, std::string>> limits_of(
    const server::Configuration& configuration) {
  const server::Configuration fallback = server::default_configuration();
  std::vector<std::pair<std::string, std::string>> limits;
  for (const char* name : kLimits) {
    const auto member = std::get<int64_t server::Configuration::*>(
        server::find_key(name)->member);
    if (configuration.*member != fallback.*member)
      limits.emplace_back(name, std::to_string(configuration.*member));
  }
  return limits;
}

std::unique_ptr<server::Relay> make_relay(
    const server::Daemon::RelaySettings& from) {
  server::PipelineRelay::Settings settings;
  settings.addresses = from.configuration.listen_webtransport;
  settings.certificate_file = from.configuration.webtransport_certificate;
  settings.key_file = from.configuration.webtransport_key;
  settings.node_id = from.node_id;
  settings.resume_key = from.resume_key;
  settings.description = from.configuration.relay_description;
  settings.shards = static_cast<unsigned>(from.configuration.shards);
  settings.limits = limits_of(from.configuration);
  return std::make_unique<server::PipelineRelay>(std::move(settings));
}

int fail(const videocall::Error& error, int exit_code) {
  std::fprintf(stderr, "videocalld: %s\n", error.message.c_str());
  return exit_code;
}

int serve(const server::Configuration& configuration) {
  gst_init(nullptr, nullptr);
  server::start_log(configuration.log_level, configuration.log_format);
  server::Daemon daemon(configuration, make_relay);
  if (auto started = daemon.start(); !started)
    return fail(started.error(), kExitFailed);
  return daemon.run();
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
    case Action::serve:
      break;
  }
  return serve(line->configuration);
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
