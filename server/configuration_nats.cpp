// SPDX-License-Identifier: MIT
#include "server/configuration_nats.h"

#include <gio/gio.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace videocall::server {
namespace {

constexpr std::string_view kPlain = "nats://";
constexpr std::string_view kTls = "tls://";
constexpr size_t kMaxFileBytes = 1 << 20;

Error wrong(const std::string& what) {
  return Error{Errc::invalid_argument, what};
}

// |url| as it may be shown: without what is before the '@'.
std::string without_secret(std::string_view url) {
  const size_t at = url.rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  const size_t scheme = url.find("://");
  const size_t begin = scheme < at ? scheme + 3 : 0;
  return std::string(url.substr(0, begin)) + "…" + std::string(url.substr(at));
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  return parsed.ec == std::errc() && parsed.ptr == end && port >= 1 &&
         port <= 65535;
}

bool is_host(std::string_view text) {
  const auto allowed = [](char c) {
    return g_ascii_isalnum(c) || c == '.' || c == '-' || c == '_';
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

bool is_ipv6(std::string_view text) {
  const auto allowed = [](char c) {
    return g_ascii_isxdigit(c) || c == ':' || c == '.';
  };
  return text.size() >= 2 && std::all_of(text.begin(), text.end(), allowed);
}

// HOST, HOST:PORT, [IPV6] or [IPV6]:PORT
bool is_place(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1)))
      return false;
    port = text.substr(end + 1);
  } else {
    const size_t colon = std::min(text.find(':'), text.size());
    if (!is_host(text.substr(0, colon))) return false;
    port = text.substr(colon);
  }
  return port.empty() || (port.front() == ':' && is_port(port.substr(1)));
}

Result<void> check_server(const std::string& url) {
  std::string_view rest = url;
  if (rest.starts_with(kPlain))
    rest.remove_prefix(kPlain.size());
  else if (rest.starts_with(kTls))
    rest.remove_prefix(kTls.size());
  else
    return wrong("nats-url: \"" + without_secret(url) +
                 "\" does not begin with nats:// or tls://; write "
                 "nats://HOST:4222, and tls:// where the server has a "
                 "certificate");
  // A password may have an '@'.
  if (const size_t at = rest.rfind('@'); at != std::string_view::npos)
    rest.remove_prefix(at + 1);
  if (is_place(rest)) return {};
  return wrong("nats-url: \"" + without_secret(url) +
               "\" does not name a host and a port from 1 to 65535; write "
               "nats://HOST:4222 and a comma between several");
}

constexpr const char* kCredentialsRemedy =
    "it is a file as \"nsc generate creds\" writes it";
constexpr const char* kCaRemedy =
    "it is a PEM file of the authority's certificates";

Error bad_file(const char* key, std::string what, const char* remedy) {
  if (what.ends_with('.')) what.pop_back();
  return wrong(std::string(key) + ": " + what + "; " + remedy);
}

Result<void> check_credentials(const std::string& path) {
  if (path.empty()) return {};
  constexpr const char* kKey = "nats-credentials";
  gchar* text = nullptr;
  gsize size = 0;
  GError* error = nullptr;
  if (!g_file_get_contents(path.c_str(), &text, &size, &error)) {
    Error failure = bad_file(kKey, error->message, kCredentialsRemedy);
    g_error_free(error);
    return failure;
  }
  const std::string contents(text, std::min<size_t>(size, kMaxFileBytes));
  g_free(text);
  for (const char* mark : {"BEGIN NATS USER JWT", "BEGIN USER NKEY SEED"})
    if (contents.find(mark) == std::string::npos)
      return bad_file(kKey, path + " has no \"" + mark + "\"",
                      kCredentialsRemedy);
  return {};
}

Result<void> check_ca(const std::string& path) {
  if (path.empty()) return {};
  GError* error = nullptr;
  GList* certificates =
      g_tls_certificate_list_new_from_file(path.c_str(), &error);
  const bool some = certificates != nullptr;
  g_list_free_full(certificates, g_object_unref);
  if (some) return {};
  std::string what = path + " has no certificate";
  if (error) what = path + " cannot be used: " + error->message;
  g_clear_error(&error);
  return bad_file("nats-ca", what, kCaRemedy);
}

}  // namespace

Result<void> check_nats(const Configuration& configuration) {
  const auto& urls = configuration.nats_urls;
  const std::pair<const char*, const std::string&> companions[] = {
      {"nats-credentials", configuration.nats_credentials},
      {"nats-ca", configuration.nats_ca}};
  for (const auto& [key, value] : companions)
    if (!value.empty() && urls.empty())
      return wrong(std::string(key) +
                   " is set and nats-url is not: set nats-url to the NATS "
                   "servers, or leave both out");
  for (const std::string& url : urls)
    if (auto checked = check_server(url); !checked) return checked;
  const auto is_tls = [](const std::string& url) {
    return url.starts_with(kTls);
  };
  const auto encrypted = std::count_if(urls.begin(), urls.end(), is_tls);
  if (encrypted > 0 && encrypted < std::ssize(urls))
    return wrong(
        "nats-url: some begin with tls:// and some do not; write tls:// for "
        "all, or nats:// for all where nothing is to be encrypted");
  if (!configuration.nats_ca.empty() && encrypted == 0)
    return wrong(
        "nats-ca is set and no nats-url begins with tls://: nothing would be "
        "encrypted; write tls://HOST:4222");
  return {};
}

Result<void> check_nats_files(const Configuration& configuration) {
  if (auto checked = check_credentials(configuration.nats_credentials);
      !checked)
    return checked;
  return check_ca(configuration.nats_ca);
}

}  // namespace videocall::server
