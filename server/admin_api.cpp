// SPDX-License-Identifier: MIT
#include "server/admin_api.h"

#include "server/http_answers.h"
#include "server/listen_address.h"
#include "server/metrics_text.h"

namespace videocall::server {
namespace {

constexpr std::string_view kBearer = "Bearer ";

HttpResponse unauthorized() {
  HttpResponse response =
      failure(401, "ADMIN_TOKEN_NEEDED",
              "Send the admin token: Authorization: Bearer TOKEN. It is in "
              "admin.key of the state directory.");
  response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

bool is_local(const std::string& ip) {
  ListenAddress address;
  address.ip = ip;
  address.is_ipv6 = ip.find(':') != std::string::npos;
  return address.is_loopback();
}

}  // namespace

bool equal_in_constant_time(std::string_view secret, std::string_view given) {
  // Every byte given is looked at, whatever was found before it.
  unsigned difference = secret.size() == given.size() ? 0 : 1;
  for (size_t i = 0; i < given.size(); ++i) {
    const char of_secret = secret.empty() ? '\0' : secret[i % secret.size()];
    difference |= static_cast<unsigned char>(of_secret) ^
                  static_cast<unsigned char>(given[i]);
  }
  return difference == 0;
}

bool AdminApi::has_token(const HttpRequest& request) const {
  const std::string_view header = request.header("authorization");
  return header.starts_with(kBearer) && !parts_.token.empty() &&
         equal_in_constant_time(parts_.token, header.substr(kBearer.size()));
}

HttpResponse AdminApi::handle(const HttpRequest& request) const {
  if (request.path == "/metrics") {
    if (request.method != "GET") return wrong_method("GET, HEAD");
    // Figures are no secret on this machine.
    if (!is_local(request.remote_address) && !has_token(request))
      return unauthorized();
    HttpResponse response;
    response.content_type = MetricsText::kContentType;
    response.body = std::make_shared<const std::string>(parts_.metrics());
    response.headers = {{"Cache-Control", "no-store"}};
    return response;
  }
  if (request.path == "/api/v1/admin/drain") {
    if (request.method != "POST") return wrong_method("POST");
    if (!has_token(request)) return unauthorized();
    const size_t sessions = parts_.drain();
    return success({{"status", "draining"},
                    {"sessions", sessions},
                    {"timeout_s", parts_.drain_timeout_s}},
                   202);
  }
  return not_found();
}

}  // namespace videocall::server
