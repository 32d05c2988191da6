// SPDX-License-Identifier: MIT
// The properties of a webtransportsrc that are its own, and what they say about
// its endpoint.
#pragma once

#include "plugins/transport/transportsettings.h"

namespace videocall::webtransport {

enum SrcProperty : guint {
  kPropAddress = transport::kOwnProperties,
  kPropShard,
  kPropShards,
  kPropCertificateFile,
  kPropKeyFile,
  kPropMaxHandshakes,
};

inline constexpr const char* kDefaultAddress = "127.0.0.1:4433,[::1]:4433";

struct SrcSettings final : transport::SrcSettings {
  std::string address = kDefaultAddress;
  std::string certificate_file;
  std::string key_file;
  guint max_handshakes = guint{limits::kMaxHandshakesPerSecond};

  bool set(guint id, const GValue* value) override;
  bool get(guint id, GValue* value) const override;
  quic::EndpointConfig to_config() const override;
};

// Those that the sink has, too.
void install_shared_properties(GObjectClass* object_class);
// All properties of the source.
void install_src_properties(GObjectClass* object_class);

}  // namespace videocall::webtransport
