// SPDX-License-Identifier: MIT
#include "plugins/webtransport/gstwebtransportsrcsettings.h"

#include "plugins/transport/congestioncontrol.h"

namespace videocall::webtransport {
namespace {

constexpr guint kMaxShards = 256;
constexpr auto kReadWrite = static_cast<GParamFlags>(
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

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

}  // namespace

bool SrcSettings::set(guint id, const GValue* value) {
  switch (id) {
    case kPropAddress:
      address = transport::get_string(value);
      return true;
    case kPropShard:
      shard = g_value_get_uint(value);
      return true;
    case kPropShards:
      shards = g_value_get_uint(value);
      return true;
    case kPropCertificateFile:
      certificate_file = transport::get_string(value);
      return true;
    case kPropKeyFile:
      key_file = transport::get_string(value);
      return true;
    case kPropMaxHandshakes:
      max_handshakes = g_value_get_uint(value);
      return true;
    default:
      return transport::SrcSettings::set(id, value);
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
    case kPropMaxHandshakes:
      g_value_set_uint(value, max_handshakes);
      return true;
    default:
      return transport::SrcSettings::get(id, value);
  }
}

quic::EndpointConfig SrcSettings::to_config() const {
  quic::EndpointConfig config = transport::SrcSettings::to_config();
  if (is_caller()) return config;
  config.addresses = split_addresses(address);
  config.certificate_file = certificate_file;
  config.key_file = key_file;
  config.max_handshakes_per_s = max_handshakes;
  return config;
}

void install_shared_properties(GObjectClass* object_class) {
  auto add = [&](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  transport::install_common_properties(
      object_class,
      "Caller: the meeting, https://HOST:PORT/meet/ID?token=TOKEN&v=1; holds a "
      "secret and cannot be read back");
  add(transport::kPropCertificateHashes,
      g_param_spec_boxed("certificate-hashes", "Certificate hashes",
                         "base64 of SHA-256. Caller: the certificates to "
                         "accept (empty: those of the system's CAs). "
                         "Listener, read only: the generated certificate in "
                         "use, then the next (empty with PEM files)",
                         G_TYPE_STRV, kReadWrite));
  add(transport::kPropKeylogFile,
      g_param_spec_string("keylog-file", "Key log file",
                          "Append TLS secrets in NSS format to this file, to "
                          "decrypt captures (unset: none)",
                          nullptr, kReadWrite));
  add(transport::kPropCongestionControl, transport::congestion_control_spec());
}

void install_src_properties(GObjectClass* object_class) {
  auto add = [&](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  install_shared_properties(object_class);
  transport::install_session_limits(object_class);
  add(kPropAddress,
      g_param_spec_string("address", "Address",
                          "Listener: where to listen, a comma list of numeric "
                          "ADDR:PORT, IPv6 in brackets; port 0: one that is "
                          "free, the same for all",
                          kDefaultAddress, kReadWrite));
  add(kPropShard, g_param_spec_uint("shard", "Shard",
                                    "Listener: which shard of the endpoint "
                                    "this source runs, from 0",
                                    0, kMaxShards - 1, 0, kReadWrite));
  add(kPropShards,
      g_param_spec_uint("shards", "Shards",
                        "Listener: how many sources share the endpoint, one "
                        "per core",
                        1, kMaxShards, 1, kReadWrite));
  add(kPropCertificateFile,
      g_param_spec_string("certificate-file", "Certificate file",
                          "Listener: certificate chain in PEM (unset, with "
                          "key-file: one is generated and kept fresh)",
                          nullptr, kReadWrite));
  add(kPropKeyFile,
      g_param_spec_string(
          "key-file", "Key file",
          "Listener: private key of certificate-file in PEM (unset: see there)",
          nullptr, kReadWrite));
  add(kPropMaxHandshakes,
      g_param_spec_uint("max-handshakes", "Handshakes",
                        "Listener: new connections a second; what is beyond is "
                        "not answered (0: no bound)",
                        0, G_MAXINT, guint{limits::kMaxHandshakesPerSecond},
                        kReadWrite));
  add(transport::kPropPort,
      g_param_spec_uint(
          "port", "Port", "The UDP port that was bound (0: not open)", 0, 65535,
          0,
          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

}  // namespace videocall::webtransport
