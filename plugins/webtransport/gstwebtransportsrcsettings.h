// SPDX-License-Identifier: MIT
// The properties of a webtransportsrc that are its own, and what they say about
// its endpoint.
#pragma once

#include "plugins/webtransport/gstwebtransportendpoint.h"

namespace videocall::webtransport {

enum SrcProperty : guint {
  kPropAddress = kOwnProperties,
  kPropShard,
  kPropShards,
  kPropCertificateFile,
  kPropKeyFile,
  kPropMaxSessions,
  kPropMaxSessionsPerAddress,
  kPropMaxHandshakes,
  kPropPort,  // read from the endpoint
};

inline constexpr const char* kDefaultAddress = "127.0.0.1:4433,[::1]:4433";

struct SrcSettings : Settings {
  std::string address = kDefaultAddress;
  guint shard = 0;
  guint shards = 1;
  std::string certificate_file;
  std::string key_file;
  guint max_sessions = guint{limits::kMaxSessionsPerEndpoint};
  guint max_sessions_per_address = 0;
  guint max_handshakes = guint{limits::kMaxHandshakesPerSecond};

  // As in Settings.
  bool set(guint id, const GValue* value);
  bool get(guint id, GValue* value) const;
  quic::EndpointConfig to_config() const;
  // The shard that the source runs.
  unsigned loop_shard() const { return is_caller() ? 0 : shard; }
};

// All properties of the source.
void install_src_properties(GObjectClass* object_class);

}  // namespace videocall::webtransport
