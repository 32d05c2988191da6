// SPDX-License-Identifier: MIT
// One HTTP request and its answer, free of libsoup.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace videocall::server {

struct HttpRequest {
  std::string method;                                       // HEAD comes as GET
  std::string path;                                         // percent-decoded
  std::map<std::string, std::string, std::less<>> headers;  // lower-case names
  std::string body;
  std::string remote_address;  // numeric; behind a proxy: the client's
  std::string local_address;   // numeric; what the client connected to
  bool secure = false;         // HTTPS, here or at the proxy

  std::string_view header(std::string_view name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? std::string_view() : it->second;
  }
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type;
  std::shared_ptr<const std::string> body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Sends the answer. Called exactly once, on the main thread.
using HttpReply = std::function<void(HttpResponse)>;

}  // namespace videocall::server
