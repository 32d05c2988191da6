// SPDX-License-Identifier: MIT
#include "server/http_answers.h"

namespace videocall::server {

using Json = nlohmann::ordered_json;

HttpResponse json_response(unsigned status, const Json& body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::make_shared<const std::string>(
      body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
  response.headers = {{"Cache-Control", "no-store"}};
  return response;
}

HttpResponse success(const Json& result, unsigned status) {
  return json_response(status, {{"success", true}, {"result", result}});
}

HttpResponse failure(unsigned status, const char* code,
                     const std::string& message) {
  return json_response(
      status,
      {{"success", false}, {"result", {{"code", code}, {"message", message}}}});
}

HttpResponse wrong_method(const char* allowed) {
  HttpResponse response =
      failure(405, "METHOD_NOT_ALLOWED",
              std::string("This path answers ") + allowed + " only.");
  response.headers.emplace_back("Allow", allowed);
  return response;
}

HttpResponse not_found() {
  return failure(404, "NOT_FOUND", "There is nothing under this path.");
}

HttpResponse later(HttpResponse response, int seconds) {
  response.headers.emplace_back("Retry-After", std::to_string(seconds));
  return response;
}

}  // namespace videocall::server
