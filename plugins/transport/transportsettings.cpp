// SPDX-License-Identifier: MIT
#include "plugins/transport/transportsettings.h"

#include "libvideocall/quic/session_quota.h"
#include "libvideocall/wire/limits.h"
#include "plugins/common/gstvideocallstats.h"
#include "plugins/transport/congestioncontrol.h"

GType gst_videocall_transport_mode_get_type() {
  static const GType type = [] {
    static const GEnumValue values[] = {
        {GST_VIDEOCALL_TRANSPORT_MODE_LISTENER, "Serve the sessions of clients",
         "listener"},
        {GST_VIDEOCALL_TRANSPORT_MODE_CALLER, "Be the client of one server",
         "caller"},
        {0, nullptr, nullptr},
    };
    const GType made =
        g_enum_register_static("GstVideocallTransportMode", values);
    gst_type_mark_as_plugin_api(made, static_cast<GstPluginAPIFlags>(0));
    return made;
  }();
  return type;
}

namespace videocall::transport {
namespace {

constexpr auto kReadWrite = static_cast<GParamFlags>(
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kWriteOnly = static_cast<GParamFlags>(
    G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);
constexpr auto kReadOnly =
    static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);

void post(GstElement* element, GstStructure* structure) {
  gst_element_post_message(
      element, gst_message_new_element(GST_OBJECT_CAST(element), structure));
}

void put_duration(GstStructure* structure, const char* field, Duration value) {
  gst_structure_set(structure, field, G_TYPE_UINT64,
                    static_cast<guint64>(value.count()), nullptr);
}

void put_count(GstStructure* structure, const char* field, uint64_t value) {
  gst_structure_set(structure, field, G_TYPE_UINT64,
                    static_cast<guint64>(value), nullptr);
}

}  // namespace

void set_strings(GValue* value, const std::vector<std::string>& strings) {
  auto** out = g_new0(gchar*, strings.size() + 1);
  for (size_t i = 0; i < strings.size(); ++i)
    out[i] = g_strndup(strings[i].data(), strings[i].size());
  g_value_take_boxed(value, out);
}

std::string get_string(const GValue* value) {
  const gchar* text = g_value_get_string(value);
  return text ? text : "";
}

bool Settings::set(guint id, const GValue* value) {
  switch (id) {
    case kPropEndpoint:
      endpoint = get_string(value);
      return true;
    case kPropMode:
      mode = static_cast<GstVideocallTransportMode>(g_value_get_enum(value));
      return true;
    case kPropUri:
      uri = get_string(value);
      return true;
    case kPropCertificateHashes: {
      certificate_hashes.clear();
      auto* const* hashes =
          static_cast<const gchar* const*>(g_value_get_boxed(value));
      for (; hashes && *hashes; ++hashes)
        certificate_hashes.emplace_back(*hashes);
      return true;
    }
    case kPropInsecureSkipVerify:
      insecure_skip_verify = g_value_get_boolean(value);
      return true;
    case kPropKeylogFile:
      keylog_file = get_string(value);
      return true;
    case kPropCongestionControl:
      congestion_control = get_congestion_control(value);
      return true;
    case kPropClientName:
      client_name = get_string(value);
      return true;
    default:
      return false;
  }
}

bool Settings::get(guint id, GValue* value) const {
  switch (id) {
    case kPropEndpoint:
      g_value_set_string(value, endpoint.c_str());
      return true;
    case kPropMode:
      g_value_set_enum(value, mode);
      return true;
    case kPropCertificateHashes:
      set_strings(value, certificate_hashes);
      return true;
    case kPropInsecureSkipVerify:
      g_value_set_boolean(value, insecure_skip_verify);
      return true;
    case kPropKeylogFile:
      g_value_set_string(value, keylog_file.c_str());
      return true;
    case kPropCongestionControl:
      set_congestion_control(value, congestion_control);
      return true;
    case kPropClientName:
      g_value_set_string(value, client_name.c_str());
      return true;
    default:
      return false;
  }
}

quic::EndpointConfig Settings::to_config() const {
  quic::EndpointConfig config;
  config.mode = quic::EndpointConfig::Mode::caller;
  config.url = uri;
  config.certificate_hashes = certificate_hashes;
  config.insecure_skip_verify = insecure_skip_verify;
  config.keylog_file = keylog_file;
  config.congestion_control = congestion_control;
  config.client_name = client_name;
  return config;
}

bool SrcSettings::set(guint id, const GValue* value) {
  switch (id) {
    case kPropMaxSessions:
      max_sessions = g_value_get_uint(value);
      return true;
    case kPropMaxSessionsPerAddress:
      max_sessions_per_address = g_value_get_uint(value);
      return true;
    default:
      return Settings::set(id, value);
  }
}

bool SrcSettings::get(guint id, GValue* value) const {
  switch (id) {
    case kPropMaxSessions:
      g_value_set_uint(value, max_sessions);
      return true;
    case kPropMaxSessionsPerAddress:
      g_value_set_uint(value, max_sessions_per_address);
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
  config.quota = quic::SessionQuota::of(endpoint);
  config.max_sessions = max_sessions;
  config.max_sessions_per_address = max_sessions_per_address;
  return config;
}

void install_common_properties(GObjectClass* object_class,
                               const char* uri_help) {
  auto add = [&](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  add(kPropEndpoint,
      g_param_spec_string("endpoint", "Endpoint",
                          "Name of the endpoint; a source and a sink of one "
                          "name in one process share it",
                          "default", kReadWrite));
  add(kPropMode,
      g_param_spec_enum("mode", "Mode",
                        "Serve the sessions of clients, or be the client of "
                        "one server",
                        gst_videocall_transport_mode_get_type(),
                        GST_VIDEOCALL_TRANSPORT_MODE_LISTENER, kReadWrite));
  add(kPropUri,
      g_param_spec_string("uri", "URI", uri_help, nullptr, kWriteOnly));
  add(kPropInsecureSkipVerify,
      g_param_spec_boolean("insecure-skip-verify", "Skip verification",
                           "Caller: accept any certificate; for tests only",
                           FALSE, kReadWrite));
  add(kPropClientName,
      g_param_spec_string("client-name", "Client name",
                          "Caller: name/version for the server's log",
                          "videocall/" VIDEOCALL_VERSION, kReadWrite));
  add(kPropStats,
      g_param_spec_boxed("stats", "Statistics",
                         "Counters of the endpoint (listener) or of the "
                         "session (caller); see the element's documentation",
                         GST_TYPE_STRUCTURE, kReadOnly));
}

void install_session_limits(GObjectClass* object_class) {
  constexpr auto kMaxSessions = guint{limits::kMaxSessionsPerEndpoint};
  g_object_class_install_property(
      object_class, kPropMaxSessions,
      g_param_spec_uint("max-sessions", "Sessions",
                        "Listener: open sessions, all transports with this "
                        "endpoint's name together; more are refused with 503",
                        1, kMaxSessions, kMaxSessions, kReadWrite));
  g_object_class_install_property(
      object_class, kPropMaxSessionsPerAddress,
      g_param_spec_uint("max-sessions-per-address", "Sessions per address",
                        "Listener: open sessions of one address (IPv6: of one "
                        "/64), counted as those; more are refused with 429 (0: "
                        "no bound)",
                        0, kMaxSessions, 0, kReadWrite));
}

void post_error(GstElement* element, const Error& error) {
  const char* text = error.message.c_str();
  switch (error.code) {
    case Errc::address_in_use:
      GST_ELEMENT_ERROR(element, RESOURCE, BUSY, ("%s.", text), (nullptr));
      break;
    case Errc::invalid_argument:
      GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS, ("%s.", text), (nullptr));
      break;
    case Errc::not_found:
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_FOUND, ("%s.", text), (nullptr));
      break;
    case Errc::permission:
      GST_ELEMENT_ERROR(element, RESOURCE, NOT_AUTHORIZED, ("%s.", text),
                        (nullptr));
      break;
    default:
      GST_ELEMENT_ERROR(element, RESOURCE, OPEN_READ_WRITE, ("%s.", text),
                        ("code %d", static_cast<int>(error.code)));
  }
}

void post_connected(GstElement* element) {
  post(element, gst_structure_new_empty("videocall-connected"));
}

void post_refused(GstElement* element, int status, std::string_view reason) {
  post(element, gst_structure_new("videocall-refused", "status", G_TYPE_INT,
                                  status, "reason", G_TYPE_STRING,
                                  std::string(reason).c_str(), nullptr));
}

void post_disconnected(GstElement* element, CloseCode code,
                       std::string_view reason, bool by_peer) {
  post(element,
       gst_structure_new("videocall-disconnected", "code", G_TYPE_UINT,
                         static_cast<guint>(code), "reason", G_TYPE_STRING,
                         std::string(reason).c_str(), "by-peer", G_TYPE_BOOLEAN,
                         gboolean{by_peer}, nullptr));
}

void post_draining(GstElement* element) {
  post(element, gst_structure_new_empty("videocall-draining"));
}

GstStructure* make_caller_stats(const char* kind,
                                const quic::ChannelStats& stats) {
  GstStructure* out =
      gst_structure_new_empty((std::string(kind) + "-caller-stats").c_str());
  put_duration(out, "rtt",
               stats.transport.smoothed_rtt.count() > 0
                   ? stats.transport.smoothed_rtt
                   : stats.rtt);
  put_count(out, "bytes-sent", stats.transport.bytes_sent);
  put_count(out, "bytes-received", stats.transport.bytes_received);
  put_count(out, "udp-packets-sent", stats.transport.packets_sent);
  put_count(out, "udp-packets-lost", stats.transport.packets_lost);
  put_count(out, "congestion-window", stats.transport.congestion_window);
  put_count(out, "bytes-in-flight", stats.transport.bytes_in_flight);
  gst_structure_set(out, "delivery-rate", G_TYPE_DOUBLE,
                    stats.transport.delivery_rate, nullptr);
  put_count(out, "packets-in", stats.packets_in);
  put_count(out, "packets-out", stats.packets_out);
  put_count(out, "packet-bytes-in", stats.bytes_in);
  put_count(out, "packet-bytes-out", stats.bytes_out);
  put_count(out, "dropped-audio", stats.dropped_audio);
  put_count(out, "dropped-video", stats.dropped_video);
  put_count(out, "groups-cut", stats.groups_cut);
  put_count(out, "queued-bytes", stats.queued_bytes);
  put_duration(out, "queued-for", stats.queued_for);
  return out;
}

GstStructure* make_listener_stats(const char* kind,
                                  const quic::EndpointStats& stats) {
  GstStructure* out =
      gst_structure_new_empty((std::string(kind) + "-listener-stats").c_str());
  put_count(out, "sessions", stats.sessions);
  put_count(out, "handshakes", stats.handshakes);
  put_count(out, "retries", stats.retries);
  put_count(out, "stateless-resets", stats.resets);
  put_count(out, "refused", stats.refused);
  put_count(out, "forwarded", stats.forwarded);
  put_count(out, "dropped-commands", stats.dropped_commands);
  put_count(out, "admissions", stats.admissions);
  put_count(out, "queued-bytes", stats.queued_bytes);
  put_count(out, "opened", stats.opened);
  for (size_t i = 0; i < stats.closed.size(); ++i)
    put_count(
        out,
        ("closed-" + std::string(to_string(static_cast<CloseCode>(i)))).c_str(),
        stats.closed[i]);
  for (size_t i = 0; i < stats.refused_connects.size(); ++i)
    put_count(out,
              ("connect-refused-" +
               std::string(to_string(static_cast<quic::ConnectRefusal>(i))))
                  .c_str(),
              stats.refused_connects[i]);
  put_count(out, "udp-bytes-in", stats.udp_bytes_in);
  put_count(out, "udp-bytes-out", stats.udp_bytes_out);
  put_count(out, "udp-packets-in", stats.datagrams_in);
  put_count(out, "packets-in", stats.packets_in);
  put_count(out, "packets-out", stats.packets_out);
  put_count(out, "packet-bytes-in", stats.packet_bytes_in);
  put_count(out, "packet-bytes-out", stats.packet_bytes_out);
  put_count(out, "packets-refused", stats.packets_refused);
  put_count(out, "dropped-audio", stats.dropped_audio);
  put_count(out, "dropped-video", stats.dropped_video);
  put_count(out, "groups-cut", stats.groups_cut);
  const std::pair<const char*, const DurationHistogram::Snapshot&>
      histograms[] = {
          {"handshake", stats.handshake},
          {"admission", stats.admission},
          {"relay-delay", stats.relay_delay},
          {"handover-delay", stats.handover_delay},
          {"queue-delay", stats.queue_delay},
          {"rtt", stats.rtt},
      };
  for (const auto& [field, histogram] : histograms)
    gst_videocall_stats_set_histogram(out, field, histogram);
  return out;
}

void put_session(GstStructure* structure, const SessionHandle& session) {
  gst_structure_set(structure, "endpoint", G_TYPE_UINT, guint{session.endpoint},
                    "shard", G_TYPE_UINT, guint{session.shard}, "slot",
                    G_TYPE_UINT, guint{session.slot}, "generation", G_TYPE_UINT,
                    guint{session.generation}, nullptr);
}

bool get_session(const GstStructure* structure, SessionHandle& session) {
  guint endpoint = 0;
  guint shard = 0;
  guint slot = 0;
  guint generation = 0;
  if (!gst_structure_get(structure, "endpoint", G_TYPE_UINT, &endpoint, "shard",
                         G_TYPE_UINT, &shard, "slot", G_TYPE_UINT, &slot,
                         "generation", G_TYPE_UINT, &generation, nullptr))
    return false;
  session = {static_cast<uint16_t>(endpoint), static_cast<uint16_t>(shard),
             slot, generation};
  return true;
}

}  // namespace videocall::transport
