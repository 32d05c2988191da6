// SPDX-License-Identifier: MIT
// What natssrc and natssink have in common: their properties and what they say
// on the bus about the connection (docs/element-contract.md).
#pragma once

#include <gst/gst.h>

#include <string>

#include "plugins/nats/natslink.h"

namespace videocall::nats {

// Properties of both elements. An element's own start at kOwnProperties.
enum CommonProperty : guint {
  kPropEndpoint = 1,
  kPropServers,
  kPropSubject,
  kPropCredentialsFile,
  kPropUser,
  kPropPassword,
  kPropToken,
  kPropTls,
  kPropCaFile,
  kPropCertificateFile,
  kPropKeyFile,
  kPropInsecureSkipVerify,
  kPropClientName,
  kPropPingInterval,
  kPropMaxPingsOut,
  kPropReconnectWait,
  kPropMaxQueueBytes,
  kPropMaxQueueTime,
  kPropStats,
  kOwnProperties,
};

// The event that natssrc pushes when the connection comes or goes, and the one
// that it takes from downstream.
inline constexpr const char* kLinkEvent = "videocall-nats-link";
inline constexpr const char* kSubscribeEvent = "videocall-nats-subscribe";

// What is set on an element. The element guards it with its lock.
struct Settings {
  std::string endpoint = "default";
  std::string servers;
  std::string subject;
  LinkConfig link;

  // False if |id| is no property of both.
  bool set(guint id, const GValue* value);
  bool get(guint id, GValue* value) const;  // without kPropStats
  LinkConfig to_config() const;
};

// |subject_blurb| differs: what comes from there, or goes there.
void install_common_properties(GObjectClass* object_class,
                               const char* subject_blurb);

// "a, b" without blanks and empty parts.
std::vector<std::string> split_list(const std::string& text);
std::string get_string(const GValue* value);

// Bus message videocall-nats-state.
void post_state(GstElement* element, const LinkState& state);
void post_error(GstElement* element, const Error& error);
// stats properties, a structure called |name|; transfer full.
GstStructure* make_stats(const char* name, const LinkStats& stats);

}  // namespace videocall::nats
