// SPDX-License-Identifier: MIT
// What listen-admin serves: /metrics, and what an operator may order with the
// admin token. Main thread.
#pragma once

#include <functional>
#include <string>

#include "server/http_message.h"

namespace videocall::server {

class AdminApi {
 public:
  struct Parts {
    std::string token;
    std::function<std::string()> metrics;
    // Begins the drain and answers how many sessions there are; again: the
    // drain goes on.
    std::function<size_t()> drain;
    int64_t drain_timeout_s = 0;
  };
  explicit AdminApi(Parts parts) : parts_(std::move(parts)) {}

  HttpResponse handle(const HttpRequest& request) const;

 private:
  bool has_token(const HttpRequest& request) const;

  const Parts parts_;
};

// Whether the two are equal; the time taken tells nothing of where they are
// not. The length of |secret| is no secret.
bool equal_in_constant_time(std::string_view secret, std::string_view given);

}  // namespace videocall::server
