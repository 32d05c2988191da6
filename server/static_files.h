// SPDX-License-Identifier: MIT
// The join page, from the resources that were compiled in (web/), or a plain
// text page where it was not built. Main thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/http_message.h"

namespace videocall::server {

class StaticFiles {
 public:
  // Reads all files under the resource path /videocall/web once.
  StaticFiles();

  // The answer to a GET of |request.path|: a file, the page for its own
  // routes, or nullopt.
  std::optional<HttpResponse> get(const HttpRequest& request) const;

  bool has_page() const { return files_.contains("/index.html"); }

 private:
  struct File {
    std::string content_type;
    std::string etag;
    bool immutable = false;
    std::shared_ptr<const std::string> plain;
    std::shared_ptr<const std::string> gzip;  // nullptr: not worth it
  };
  void load(const std::string& folder);
  HttpResponse answer(const File& file, const HttpRequest& request) const;

  std::map<std::string, File, std::less<>> files_;  // by path: /index.html
};

// Whether the page itself serves |path|: /, /meeting/ID, /meeting/USER/ID.
bool is_page_route(std::string_view path);

}  // namespace videocall::server
