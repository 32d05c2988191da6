// SPDX-License-Identifier: MIT
#include "server/transport_urls.h"

#include <algorithm>

namespace videocall::server {
namespace {

std::string without_slash(std::string url) {
  if (url.ends_with('/')) url.pop_back();
  return url;
}

// "https://meet.example.org:8443" → "meet.example.org"
std::string host_of(const std::string& origin) {
  std::string host = origin.substr(origin.find("://") + 3);
  const size_t colon = host.rfind(':');
  if (colon != std::string::npos && !host.ends_with(']')) host.resize(colon);
  return host;
}

}  // namespace

TransportUrls::TransportUrls(const Configuration& configuration,
                             std::vector<ListenAddress> http)
    : configuration_(configuration), http_(std::move(http)) {
  for (const std::string& text : configuration.listen_webtransport)
    if (auto address = ListenAddress::parse(text))
      webtransport_.push_back(*std::move(address));
}

void TransportUrls::set_webtransport_port(uint16_t port) {
  for (ListenAddress& address : webtransport_) address.port = port;
}

std::string TransportUrls::scheme() const {
  return configuration_.tls_certificate.empty() ? "http" : "https";
}

std::string TransportUrls::webtransport(const std::string& local_ip,
                                        const std::string& meeting) const {
  return webtransport_base(local_ip) + "/meet/" + meeting;
}

std::string TransportUrls::webtransport_base(
    const std::string& local_ip) const {
  if (!configuration_.public_webtransport_url.empty())
    return without_slash(configuration_.public_webtransport_url);
  const std::string port = ":" + std::to_string(webtransport_.front().port);
  if (const auto origin = origin_of(configuration_.public_url, true))
    return "https://" + host_of(*origin) + port;
  const bool is_ipv6 = local_ip.find(':') != std::string::npos;
  const auto serves = [&](const ListenAddress& address) {
    return address.ip == local_ip ||
           (address.is_wildcard() && address.is_ipv6 == is_ipv6);
  };
  if (std::any_of(webtransport_.begin(), webtransport_.end(), serves))
    return "https://" + url_host(local_ip) + port;
  // Another address of this machine: what is not a wildcard is reachable from
  // wherever the operator meant it to be.
  for (const ListenAddress& address : webtransport_)
    if (!address.is_wildcard()) return "https://" + address.text();
  return std::string("https://") +
         (webtransport_.front().is_ipv6 ? "[::1]" : "127.0.0.1") + port;
}

std::string TransportUrls::websocket(std::string_view host,
                                     const std::string& local_ip,
                                     const std::string& meeting) const {
  // http: → ws:, https: → wss:
  return "ws" + http_base(host, local_ip).substr(4) + "/meet/" + meeting;
}

std::string TransportUrls::http_base(std::string_view host,
                                     const std::string& local_ip) const {
  if (!configuration_.public_url.empty())
    return without_slash(configuration_.public_url);
  if (!host.empty())
    if (auto base = origin_of(scheme() + "://" + std::string(host), true))
      return *base;
  const auto serves = [&](const ListenAddress& address) {
    return address.ip == local_ip || address.is_wildcard();
  };
  const auto found = std::find_if(http_.begin(), http_.end(), serves);
  const uint16_t port = (found == http_.end() ? http_.front() : *found).port;
  return scheme() + "://" + url_host(local_ip) + ":" + std::to_string(port);
}

std::vector<std::string> TransportUrls::announced(bool websocket) const {
  const auto fixed = [](const ListenAddress& a) { return !a.is_wildcard(); };
  std::vector<std::string> urls;
  const bool is_public = !configuration_.public_url.empty();
  const auto media =
      std::find_if(webtransport_.begin(), webtransport_.end(), fixed);
  if (is_public || !configuration_.public_webtransport_url.empty())
    urls.push_back(webtransport_base({}));
  else if (media != webtransport_.end())
    urls.push_back("https://" + media->text());
  if (!websocket) return urls;
  const auto page = std::find_if(http_.begin(), http_.end(), fixed);
  if (is_public)
    urls.push_back("ws" + without_slash(configuration_.public_url).substr(4));
  else if (page != http_.end())
    urls.push_back("ws" + scheme().substr(4) + "://" + page->text());
  return urls;
}

OriginSet TransportUrls::allowed_origins() const {
  OriginSet origins;
  origins.add(configuration_.public_url);
  for (const std::string& origin : configuration_.allowed_origins)
    origins.add(origin);
  for (const ListenAddress& address : http_) {
    const std::string port = ":" + std::to_string(address.port);
    const std::string start = scheme() + "://";
    if (address.is_loopback() || address.is_wildcard())
      for (const std::string host : {"localhost", "127.0.0.1", "[::1]"})
        origins.add(std::string(start).append(host).append(port));
    if (!address.is_wildcard()) origins.add(start + address.text());
  }
  return origins;
}

bool TransportUrls::is_same_origin(std::string_view origin,
                                   std::string_view host) const {
  const bool open = std::any_of(
      http_.begin(), http_.end(),
      [](const ListenAddress& address) { return !address.is_loopback(); });
  if (!open || host.empty() || !configuration_.public_url.empty()) return false;
  const auto ours = origin_of(scheme() + "://" + std::string(host), true);
  return ours && origin_of(origin, true) == ours;
}

std::string TransportUrls::page() const {
  if (!configuration_.public_url.empty())
    return without_slash(configuration_.public_url) + "/";
  const ListenAddress& first = http_.front();
  const std::string host = first.is_loopback() || first.is_wildcard()
                               ? "localhost"
                               : url_host(first.ip);
  return scheme() + "://" + host + ":" + std::to_string(first.port) + "/";
}

}  // namespace videocall::server
