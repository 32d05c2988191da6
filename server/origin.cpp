// SPDX-License-Identifier: MIT
#include "server/origin.h"

#include <glib.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "server/listen_address.h"

namespace videocall::server {

std::optional<std::string> origin_of(std::string_view url, bool only_origin) {
  const std::string text(url);
  if (text.size() != std::strlen(text.c_str())) return std::nullopt;
  const std::unique_ptr<GUri, decltype(&g_uri_unref)> uri(
      g_uri_parse(text.c_str(), G_URI_FLAGS_NONE, nullptr), &g_uri_unref);
  if (!uri) return std::nullopt;
  const std::string scheme = g_uri_get_scheme(uri.get());
  const bool https = scheme == "https";
  const char* host = g_uri_get_host(uri.get());
  if ((!https && scheme != "http") || host == nullptr || *host == '\0')
    return std::nullopt;
  const std::string_view path = g_uri_get_path(uri.get());
  if (only_origin && (!(path.empty() || path == "/") ||
                      g_uri_get_query(uri.get()) != nullptr ||
                      g_uri_get_fragment(uri.get()) != nullptr ||
                      g_uri_get_userinfo(uri.get()) != nullptr))
    return std::nullopt;
  std::string origin = scheme + "://" + url_host(host);
  std::transform(origin.begin(), origin.end(), origin.begin(),
                 [](char c) { return g_ascii_tolower(c); });
  const int port = g_uri_get_port(uri.get());
  if (port > 0 && port != (https ? 443 : 80))
    origin += ":" + std::to_string(port);
  return origin;
}

void OriginSet::add(std::string_view origin) {
  if (auto normal = origin_of(origin, true))
    origins_.push_back(*std::move(normal));
}

bool OriginSet::contains(std::string_view origin) const {
  const auto normal = origin_of(origin, true);
  return normal &&
         std::find(origins_.begin(), origins_.end(), *normal) != origins_.end();
}

}  // namespace videocall::server
