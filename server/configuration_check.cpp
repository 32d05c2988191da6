// SPDX-License-Identifier: MIT
#include "server/configuration_check.h"

#include "server/configuration_nats.h"
#include "server/http_server.h"
#include "server/pipeline_relay.h"

namespace videocall::server {
namespace {

// Whatever the configured ones are: those may be in use by the daemon itself.
constexpr const char* kAnyPort = "127.0.0.1:0";

}  // namespace

Result<void> check_files(const Configuration& configuration) {
  if (auto checked = check_nats_files(configuration); !checked) return checked;
  HttpServer::Settings http;
  http.addresses = {kAnyPort};
  http.certificate_file = configuration.tls_certificate;
  http.key_file = configuration.tls_key;
  const auto served = HttpServer::create(
      std::move(http), [](const HttpRequest&, const HttpReply&) {});
  if (!served) return served.error();
  PipelineRelay::Settings relay =
      PipelineRelay::Settings::from(configuration, "check", {});
  relay.addresses = {kAnyPort};
  relay.resume_key = std::string(64, '0');
  return PipelineRelay(std::move(relay)).check();
}

}  // namespace videocall::server
