// SPDX-License-Identifier: MIT
// What webtransportsrc and webtransportsink have in common: their properties,
// the endpoint that two elements of one name share, and what they say on the
// bus about a caller's session (docs/element-contract.md).
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <vector>

#include "libvideocall/quic/endpoint.h"

enum GstWebTransportMode {
  GST_WEBTRANSPORT_MODE_LISTENER,
  GST_WEBTRANSPORT_MODE_CALLER,
};
GType gst_webtransport_mode_get_type();

namespace videocall::webtransport {

struct StructureFree {
  void operator()(GstStructure* s) const { gst_structure_free(s); }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

// Names of fields that more than one file writes.
inline constexpr const char* kOpenedEvent = "videocall-session-opened";
inline constexpr const char* kClosedEvent = "videocall-session-closed";
inline constexpr const char* kFeedbackEvent = "videocall-feedback";
inline constexpr const char* kCloseSessionEvent = "videocall-close-session";

// Properties of both elements. An element's own start at kOwnProperties.
enum CommonProperty : guint {
  kPropEndpoint = 1,
  kPropMode,
  kPropUri,
  kPropCertificateHashes,
  kPropInsecureSkipVerify,
  kPropKeylogFile,
  kPropClientName,
  kPropStats,
  kOwnProperties,
};

// What is set on an element. The element guards it with its lock.
struct Settings {
  std::string endpoint = "default";
  GstWebTransportMode mode = GST_WEBTRANSPORT_MODE_LISTENER;
  std::string uri;  // holds a token: never logged
  std::vector<std::string> certificate_hashes;
  bool insecure_skip_verify = false;
  std::string keylog_file;
  std::string client_name = "videocall/" VIDEOCALL_VERSION;

  bool is_caller() const { return mode == GST_WEBTRANSPORT_MODE_CALLER; }
  // False if |id| is no property of both.
  bool set(guint id, const GValue* value);
  // Without kPropStats and, for a listener, kPropCertificateHashes.
  bool get(guint id, GValue* value) const;
  // Of a caller; a listener adds the rest.
  quic::EndpointConfig to_config() const;
};

void install_common_properties(GObjectClass* object_class);

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

// stats properties; transfer full.
GstStructure* make_caller_stats(const quic::ChannelStats& stats);
GstStructure* make_listener_stats(const quic::EndpointStats& stats);

// Fields endpoint, shard, slot, generation.
void put_session(GstStructure* structure, const SessionHandle& session);
bool get_session(const GstStructure* structure, SessionHandle& session);

}  // namespace videocall::webtransport
