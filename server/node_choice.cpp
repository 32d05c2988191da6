// SPDX-License-Identifier: MIT
#include "server/node_choice.h"

#include <glib.h>

#include <algorithm>

#include "libvideocall/cluster/placement.h"

namespace videocall::server {
namespace {

constexpr size_t kKeyIdDigits = 16;

bool is_loopback(const std::string& text) {
  return text.starts_with("127.") || text.starts_with("[::1]") ||
         text == "::1" || text.starts_with("localhost");
}

bool is_loopback_url(const std::string& url) {
  const size_t scheme = url.find("://");
  return scheme == std::string::npos || is_loopback(url.substr(scheme + 3));
}

}  // namespace

std::string token_key_id(const SecretKey& key) {
  GChecksum* sum = g_checksum_new(G_CHECKSUM_SHA256);
  constexpr char kLabel[] = "videocall token key id";
  g_checksum_update(sum, reinterpret_cast<const guchar*>(kLabel),
                    sizeof kLabel);
  const auto bytes = key.bytes();
  g_checksum_update(sum, bytes.data(), static_cast<gssize>(bytes.size()));
  std::string id = g_checksum_get_string(sum);
  g_checksum_free(sum);
  id.resize(kKeyIdDigits);
  return id;
}

std::optional<cluster::Heartbeat> choose_other_node(
    std::vector<cluster::Heartbeat> nodes, const std::string& meeting,
    const std::string& local_ip, bool self_serves) {
  if (nodes.size() < 2) return std::nullopt;
  const std::string self = nodes.front().node_id;
  const std::string key = nodes.front().token_key_id;
  if (key.empty()) return std::nullopt;
  std::erase_if(nodes, [&](cluster::Heartbeat& node) {
    if (node.node_id == self) return !self_serves;
    if (!is_loopback(local_ip))
      std::erase_if(node.transport_urls, is_loopback_url);
    return node.token_key_id != key || node.transport_urls.empty();
  });
  const cluster::Heartbeat* chosen = cluster::choose_node(nodes, meeting);
  if (!chosen || chosen->node_id == self) return std::nullopt;
  return *chosen;
}

}  // namespace videocall::server
