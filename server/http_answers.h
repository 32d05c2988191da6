// SPDX-License-Identifier: MIT
// Answers in the form that all of the HTTP API has: docs/http-api.md.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "server/http_message.h"

namespace videocall::server {

HttpResponse json_response(unsigned status, const nlohmann::ordered_json& body);
HttpResponse success(const nlohmann::ordered_json& result,
                     unsigned status = 200);
// |code| is for programs, |message| a sentence for people.
HttpResponse failure(unsigned status, const char* code,
                     const std::string& message);
HttpResponse wrong_method(const char* allowed);
HttpResponse not_found();
// |response| with Retry-After.
HttpResponse later(HttpResponse response, int seconds);

}  // namespace videocall::server
