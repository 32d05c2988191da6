// SPDX-License-Identifier: MIT
// What the sources and sinks of all transports have in common: properties, and
// what they say on the bus about a caller's session
// (docs/element-contract.md).
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "libvideocall/quic/endpoint.h"

enum GstVideocallTransportMode {
  GST_VIDEOCALL_TRANSPORT_MODE_LISTENER,
  GST_VIDEOCALL_TRANSPORT_MODE_CALLER,
};
GType gst_videocall_transport_mode_get_type();

namespace videocall::transport {

// Names of fields that more than one file writes.
inline constexpr const char* kOpenedEvent = "videocall-session-opened";
inline constexpr const char* kClosedEvent = "videocall-session-closed";
inline constexpr const char* kFeedbackEvent = "videocall-feedback";
inline constexpr const char* kCloseSessionEvent = "videocall-close-session";

// Properties of sources and sinks, then of sources. A transport's own start at
// kOwnProperties.
enum CommonProperty : guint {
  kPropEndpoint = 1,
  kPropMode,
  kPropUri,
  kPropCertificateHashes,
  kPropInsecureSkipVerify,
  kPropKeylogFile,
  kPropCongestionControl,
  kPropClientName,
  kPropStats,
  kPropMaxSessions,
  kPropMaxSessionsPerAddress,
  kPropPort,  // read from the endpoint
  kOwnProperties,
};

// What is set on an element. The element guards it with its lock.
struct Settings {
  virtual ~Settings() = default;

  std::string endpoint = "default";
  GstVideocallTransportMode mode = GST_VIDEOCALL_TRANSPORT_MODE_LISTENER;
  std::string uri;  // holds a token: never logged
  std::vector<std::string> certificate_hashes;
  bool insecure_skip_verify = false;
  std::string keylog_file;
  quic::CongestionControl congestion_control = quic::kDefaultCongestionControl;
  std::string client_name = "videocall/" VIDEOCALL_VERSION;

  bool is_caller() const { return mode == GST_VIDEOCALL_TRANSPORT_MODE_CALLER; }
  // False if |id| is no such property.
  virtual bool set(guint id, const GValue* value);
  // Without kPropStats, kPropPort and, for a listener, kPropCertificateHashes.
  virtual bool get(guint id, GValue* value) const;
  // Of a caller; a listener adds the rest.
  virtual quic::EndpointConfig to_config() const;
};

// Of a source.
struct SrcSettings : Settings {
  guint shard = 0;
  guint shards = 1;
  guint max_sessions = guint{limits::kMaxSessionsPerEndpoint};
  guint max_sessions_per_address = 0;

  bool set(guint id, const GValue* value) override;
  bool get(guint id, GValue* value) const override;
  quic::EndpointConfig to_config() const override;
  // The shard that the source runs.
  unsigned loop_shard() const { return is_caller() ? 0 : shard; }
};

// All common properties but those of certificates and keys; |uri_help| is the
// blurb of "uri".
void install_common_properties(GObjectClass* object_class,
                               const char* uri_help);
void install_session_limits(GObjectClass* object_class);

void set_strings(GValue* value, const std::vector<std::string>& strings);
std::string get_string(const GValue* value);

// Posts |error| as the element's, with what the user can do about it.
void post_error(GstElement* element, const Error& error);

// Bus messages of a caller.
void post_connected(GstElement* element);
void post_refused(GstElement* element, int status, std::string_view reason);
void post_disconnected(GstElement* element, CloseCode code,
                       std::string_view reason, bool by_peer);
void post_draining(GstElement* element);

// stats properties, named "KIND-caller-stats" and "KIND-listener-stats";
// transfer full.
GstStructure* make_caller_stats(const char* kind,
                                const quic::ChannelStats& stats);
GstStructure* make_listener_stats(const char* kind,
                                  const quic::EndpointStats& stats);

// Fields endpoint, shard, slot, generation.
void put_session(GstStructure* structure, const SessionHandle& session);
bool get_session(const GstStructure* structure, SessionHandle& session);

}  // namespace videocall::transport
