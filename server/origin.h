// SPDX-License-Identifier: MIT
// Web origins (RFC 6454): scheme, host and port of a page.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace videocall::server {

// The origin of an http or https URL in its one normal form: lower case,
// without the scheme's own port. nullopt if |url| is not such a URL.
// |only_origin|: a path but "/", a query or a user name make it nullopt too.
std::optional<std::string> origin_of(std::string_view url, bool only_origin);

// Origins whose pages may join. Immutable after it was filled; any thread.
class OriginSet {
 public:
  // |origin| as a configuration or a browser writes it; what is not an origin
  // is ignored.
  void add(std::string_view origin);

  // |origin| is an Origin header; "null" and rubbish are in no set.
  bool contains(std::string_view origin) const;

 private:
  std::vector<std::string> origins_;
};

}  // namespace videocall::server
