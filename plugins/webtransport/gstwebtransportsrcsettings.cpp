// SPDX-License-Identifier: MIT
#include "plugins/webtransport/gstwebtransportsrcsettings.h"

namespace videocall::webtransport {
namespace {

constexpr guint kMaxShards = 256;

std::vector<std::string> split_addresses(const std::string& text) {
  std::vector<std::string> addresses;
  gchar** parts = g_strsplit(text.c_str(), ",", -1);
  for (gchar** part = parts; *part; ++part) {
    const std::string address = g_strstrip(*part);
    if (!address.empty()) addresses.push_back(address);
  }
  g_strfreev(parts);
  return addresses;
}

template <typename Add>
void install_limits(const Add& add, GParamFlags flags) {
  constexpr auto kMaxSessions = guint{limits::kMaxSessionsPerEndpoint};
  add(kPropMaxSessions,
      g_param_spec_uint("max-sessions", "Sessions",
                        "Listener: open sessions; more are refused with 503", 1,
                        kMaxSessions, kMaxSessions, flags));
  add(kPropMaxSessionsPerAddress,
      g_param_spec_uint("max-sessions-per-address", "Sessions per address",
                        "Listener: open sessions of one address (IPv6: of one "
                        "/64); more are refused with 429 (0: no bound)",
                        0, kMaxSessions, 0, flags));
  add(kPropMaxHandshakes,
      g_param_spec_uint("max-handshakes", "Handshakes",
                        "Listener: new connections a second; what is beyond is "
                        "not answered (0: no bound)",
                        0, G_MAXINT, guint{limits::kMaxHandshakesPerSecond},
                        flags));
}

}  // namespace

bool SrcSettings::set(guint id, const GValue* value) {
  switch (id) {
    case kPropAddress:
      address = get_string(value);
      return true;
    case kPropShard:
      shard = g_value_get_uint(value);
      return true;
    case kPropShards:
      shards = g_value_get_uint(value);
      return true;
    case kPropCertificateFile:
      certificate_file = get_string(value);
      return true;
    case kPropKeyFile:
      key_file = get_string(value);
      return true;
    case kPropMaxSessions:
      max_sessions = g_value_get_uint(value);
      return true;
    case kPropMaxSessionsPerAddress:
      max_sessions_per_address = g_value_get_uint(value);
      return true;
    case kPropMaxHandshakes:
      max_handshakes = g_value_get_uint(value);
      return true;
    default:
      return Settings::set(id, value);
  }
}

bool SrcSettings::get(guint id, GValue* value) const {
  switch (id) {
    case kPropAddress:
      g_value_set_string(value, address.c_str());
      return true;
    case kPropShard:
      g_value_set_uint(value, shard);
      return true;
    case kPropShards:
      g_value_set_uint(value, shards);
      return true;
    case kPropCertificateFile:
      g_value_set_string(value, certificate_file.c_str());
      return true;
    case kPropKeyFile:
      g_value_set_string(value, key_file.c_str());
      return true;
    case kPropMaxSessions:
      g_value_set_uint(value, max_sessions);
      return true;
    case kPropMaxSessionsPerAddress:
      g_value_set_uint(value, max_sessions_per_address);
      return true;
    case kPropMaxHandshakes:
      g_value_set_uint(value, max_handshakes);
      return true;
    default:
      return Settings::get(id, value);
  }
}

quic::EndpointConfig SrcSettings::to_config() const {
  quic::EndpointConfig config = Settings::to_config();
  if (is_caller()) return config;
  config.mode = quic::EndpointConfig::Mode::listener;
  config.shards = shards;
  config.addresses = split_addresses(address);
  config.certificate_file = certificate_file;
  config.key_file = key_file;
  config.max_sessions = max_sessions;
  config.max_sessions_per_address = max_sessions_per_address;
  config.max_handshakes_per_s = max_handshakes;
  return config;
}

void install_src_properties(GObjectClass* object_class) {
  constexpr auto flags = static_cast<GParamFlags>(
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
  auto add = [&](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  install_common_properties(object_class);
  add(kPropAddress,
      g_param_spec_string("address", "Address",
                          "Listener: where to listen, a comma list of numeric "
                          "ADDR:PORT, IPv6 in brackets; port 0: one that is "
                          "free, the same for all",
                          kDefaultAddress, flags));
  add(kPropShard, g_param_spec_uint("shard", "Shard",
                                    "Listener: which shard of the endpoint "
                                    "this source runs, from 0",
                                    0, kMaxShards - 1, 0, flags));
  add(kPropShards,
      g_param_spec_uint("shards", "Shards",
                        "Listener: how many sources share the endpoint, one "
                        "per core",
                        1, kMaxShards, 1, flags));
  add(kPropCertificateFile,
      g_param_spec_string("certificate-file", "Certificate file",
                          "Listener: certificate chain in PEM (unset, with "
                          "key-file: one is generated and kept fresh)",
                          nullptr, flags));
  add(kPropKeyFile,
      g_param_spec_string(
          "key-file", "Key file",
          "Listener: private key of certificate-file in PEM (unset: see there)",
          nullptr, flags));
  install_limits(add, flags);
  add(kPropPort,
      g_param_spec_uint(
          "port", "Port", "The UDP port that was bound (0: not open)", 0, 65535,
          0,
          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

}  // namespace videocall::webtransport
