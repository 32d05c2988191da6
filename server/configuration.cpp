// SPDX-License-Identifier: MIT
#include "server/configuration.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <numeric>

#include "server/configuration_nats.h"
#include "server/listen_address.h"
#include "server/origin.h"

namespace videocall::server {
namespace {

// Longer names are not worth a comparison.
constexpr size_t kMaxNameBytes = 64;

Error wrong(std::string message) {
  return Error{Errc::invalid_argument, std::move(message)};
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

std::vector<std::string> split_list(const std::vector<std::string>& values) {
  std::vector<std::string> items;
  for (const std::string& value : values) {
    size_t from = 0;
    while (from <= value.size()) {
      const size_t comma = std::min(value.find(',', from), value.size());
      std::string item = value.substr(from, comma - from);
      std::erase_if(item, [](unsigned char c) { return std::isspace(c); });
      if (!item.empty()) items.push_back(std::move(item));
      from = comma + 1;
    }
  }
  return items;
}

Result<void> set_text(std::string& out, const Key& key,
                      const std::string& value) {
  const auto same = [&](const char* choice) { return value == choice; };
  if (!key.choices.empty() &&
      std::none_of(key.choices.begin(), key.choices.end(), same))
    return wrong("\"" + value + "\" is not one of " + choices_text(key));
  out = value;
  return {};
}

Result<void> set_flag(bool& out, const std::string& value) {
  if (value != "true" && value != "false")
    return wrong("\"" + value + "\" is neither true nor false");
  out = value == "true";
  return {};
}

Result<void> set_number(int64_t& out, const Key& key,
                        const std::string& value) {
  int64_t number = 0;
  const char* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, number);
  if (value.empty() || parsed.ec != std::errc() || parsed.ptr != end ||
      number < key.minimum || number > key.maximum)
    return wrong("\"" + value + "\" is not a whole number from " +
                 std::to_string(key.minimum) + " to " +
                 std::to_string(key.maximum));
  out = number;
  return {};
}

Result<std::vector<ListenAddress>> parse_addresses(
    const char* name, const std::vector<std::string>& texts) {
  std::vector<ListenAddress> addresses;
  for (const std::string& text : texts) {
    auto address = ListenAddress::parse(text);
    if (!address)
      return wrong(std::string(name) + ": " + address.error().message);
    addresses.push_back(*std::move(address));
  }
  if (addresses.empty())
    return wrong(std::string(name) + " needs at least one ADDR:PORT");
  return addresses;
}

Result<void> check_exposure(const Configuration& configuration,
                            const std::vector<ListenAddress>& http) {
  if (!configuration.tls_certificate.empty() || configuration.behind_proxy ||
      configuration.insecure_http)
    return {};
  for (const ListenAddress& address : http)
    if (!address.is_loopback())
      return wrong(
          "listen-http " + address.text() +
          " can be reached by other machines, and browsers give camera, "
          "microphone and WebTransport to secure pages only: set "
          "tls-certificate and tls-key, or behind-proxy if a reverse proxy "
          "does TLS, or insecure-http for native clients alone");
  return {};
}

Result<void> check_admin(const Configuration& configuration) {
  if (configuration.listen_admin.empty()) return {};
  const auto admin =
      parse_addresses("listen-admin", configuration.listen_admin);
  if (!admin) return admin.error();
  if (!configuration.tls_certificate.empty() || configuration.insecure_http)
    return {};
  for (const ListenAddress& address : *admin)
    if (!address.is_loopback())
      return wrong("listen-admin " + address.text() +
                   " can be reached by other machines, and the admin token "
                   "would travel in clear: set tls-certificate and tls-key, "
                   "or insecure-http on a closed network");
  return {};
}

Result<void> check_pair(const char* certificate_name,
                        const std::string& certificate, const char* key_name,
                        const std::string& key) {
  if (certificate.empty() == key.empty()) return {};
  const bool lacks_key = key.empty();
  return wrong(std::string(lacks_key ? certificate_name : key_name) +
               " is set and " + (lacks_key ? key_name : certificate_name) +
               " is not: set both or neither");
}

Result<void> check_url(const char* name, const std::string& url,
                       bool https_only) {
  if (url.empty()) return {};
  const auto origin = origin_of(url, true);
  if (!origin || (https_only && !origin->starts_with("https://")))
    return wrong(std::string(name) + ": \"" + url + "\" is not " +
                 (https_only ? "an https" : "an http or https") +
                 " URL of a host without a path, such as "
                 "https://meet.example.org");
  return {};
}

Result<void> check_urls(const Configuration& configuration) {
  if (configuration.behind_proxy && configuration.public_url.empty())
    return wrong(
        "behind-proxy needs public-url: the proxy hides under which address "
        "people open the page");
  if (auto checked = check_url("public-url", configuration.public_url, false);
      !checked)
    return checked;
  if (auto checked = check_url("public-webtransport-url",
                               configuration.public_webtransport_url, true);
      !checked)
    return checked;
  for (const std::string& origin : configuration.allowed_origins)
    if (auto checked = check_url("allowed-origin", origin, false); !checked)
      return checked;
  return {};
}

Result<void> check_node_id(const std::string& id) {
  const auto allowed = [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '_' || c == '-');
  };
  if (id.size() > 64 || !std::all_of(id.begin(), id.end(), allowed))
    return wrong("node-id: \"" + id + "\" is not 1 to 64 of A-Z a-z 0-9 _ -");
  return {};
}

}  // namespace

std::string choices_text(const Key& key) {
  std::string text;
  for (const char* choice : key.choices)
    text += (text.empty() ? "" : ", ") + std::string(choice);
  return text;
}

const Key* find_key(std::string_view name) {
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys)
      if (name == key.name) return &key;
  return nullptr;
}

const Key* nearest_key(std::string_view name, std::optional<size_t> slips) {
  if (name.size() > kMaxNameBytes) return nullptr;
  const Key* nearest = nullptr;
  size_t best = slips.value_or(name.size() / 3 + 1) + 1;
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys)
      if (const size_t distance = edit_distance(name, key.name);
          distance < best) {
        best = distance;
        nearest = &key;
      }
  return nearest;
}

std::string environment_name(const Key& key) {
  std::string name = "VIDEOCALL_";
  for (const char* c = key.name; *c != '\0'; ++c)
    name +=
        *c == '-'
            ? '_'
            : static_cast<char>(std::toupper(static_cast<unsigned char>(*c)));
  return name;
}

Reload reload_of(const Key& key) {
  static constexpr std::string_view kTaken[] = {
      "allowed-origin", "guests",        "join-rate", "join-burst",
      "max-cpu",        "drain-timeout", "log-level"};
  static constexpr std::string_view kFiles[] = {"tls-certificate", "tls-key",
                                                "webtransport-certificate",
                                                "webtransport-key"};
  const auto is = [&](std::string_view name) { return name == key.name; };
  if (std::any_of(std::begin(kTaken), std::end(kTaken), is))
    return Reload::taken;
  if (std::any_of(std::begin(kFiles), std::end(kFiles), is))
    return Reload::files;
  return Reload::restart;
}

std::vector<const Key*> changed_keys(const Configuration& a,
                                     const Configuration& b) {
  std::vector<const Key*> changed;
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys)
      if (!std::visit([&](auto member) { return a.*member == b.*member; },
                      key.member))
        changed.push_back(&key);
  return changed;
}

void copy_value(Configuration& to, const Configuration& from, const Key& key) {
  std::visit([&](auto member) { to.*member = from.*member; }, key.member);
}

Result<void> set_value(Configuration& configuration, const Key& key,
                       const std::vector<std::string>& values) {
  if (const auto* list =
          std::get_if<std::vector<std::string> Configuration::*>(&key.member)) {
    configuration.** list = split_list(values);
    return {};
  }
  if (values.size() != 1) return wrong("takes one value");
  const std::string& value = values.front();
  if (const auto* text = std::get_if<std::string Configuration::*>(&key.member))
    return set_text(configuration.**text, key, value);
  if (const auto* flag = std::get_if<bool Configuration::*>(&key.member))
    return set_flag(configuration.**flag, value);
  return set_number(
      configuration.*std::get<int64_t Configuration::*>(key.member), key,
      value);
}

Configuration default_configuration() {
  Configuration configuration;
  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys)
      // The table's own values are right; a test sets them all.
      (void)set_value(configuration, key, {key.fallback});
  return configuration;
}

Result<void> check_configuration(const Configuration& configuration) {
  const auto http = parse_addresses("listen-http", configuration.listen_http);
  if (!http) return http.error();
  const auto webtransport =
      parse_addresses("listen-webtransport", configuration.listen_webtransport);
  if (!webtransport) return webtransport.error();
  for (const ListenAddress& address : *webtransport)
    if (address.port != webtransport->front().port)
      return wrong("listen-webtransport: all addresses must have one port");
  if (auto checked =
          check_pair("tls-certificate", configuration.tls_certificate,
                     "tls-key", configuration.tls_key);
      !checked)
    return checked;
  if (auto checked = check_pair(
          "webtransport-certificate", configuration.webtransport_certificate,
          "webtransport-key", configuration.webtransport_key);
      !checked)
    return checked;
  if (auto checked = check_urls(configuration); !checked) return checked;
  if (auto checked = check_node_id(configuration.node_id); !checked)
    return checked;
  if (auto checked = check_nats(configuration); !checked) return checked;
  if (auto checked = check_admin(configuration); !checked) return checked;
  return check_exposure(configuration, *http);
}

}  // namespace videocall::server
