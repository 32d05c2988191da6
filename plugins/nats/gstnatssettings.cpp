// SPDX-License-Identifier: MIT
#include "plugins/nats/gstnatssettings.h"

namespace videocall::nats {
namespace {

// One row of the table of string properties.
struct StringProperty {
  guint id;
  const char* name;
  const char* nick;
  const char* blurb;
  std::string& (*of)(Settings&);
  bool secret = false;
};

const StringProperty kStrings[] = {
    {kPropEndpoint, "endpoint", "Endpoint",
     "Elements that name the same endpoint share one connection; the first "
     "that has servers opens it",
     [](Settings& s) -> std::string& { return s.endpoint; }},
    {kPropServers, "servers", "Servers",
     "NATS servers to try, nats://HOST:PORT or tls://HOST:PORT, a comma "
     "between several; empty: use what another element of the endpoint opened",
     [](Settings& s) -> std::string& { return s.servers; }},
    {kPropCredentialsFile, "credentials-file", "Credentials file",
     "User credentials (JWT and key) in a file; empty: none",
     [](Settings& s) -> std::string& { return s.link.credentials_file; }},
    {kPropUser, "user", "User", "User name; empty: as the URL says, or none",
     [](Settings& s) -> std::string& { return s.link.user; }},
    {kPropPassword, "password", "Password", "Password of user",
     [](Settings& s) -> std::string& { return s.link.password; }, true},
    {kPropToken, "token", "Token", "Authentication token; empty: none",
     [](Settings& s) -> std::string& { return s.link.token; }, true},
    {kPropCaFile, "ca-file", "CA file",
     "Certificates of the authorities to trust (PEM); empty: the system's",
     [](Settings& s) -> std::string& { return s.link.ca_file; }},
    {kPropCertificateFile, "certificate-file", "Certificate file",
     "Certificate chain to show to the server (PEM); empty: none",
     [](Settings& s) -> std::string& { return s.link.certificate_file; }},
    {kPropKeyFile, "key-file", "Key file",
     "Private key of certificate-file (PEM)",
     [](Settings& s) -> std::string& { return s.link.key_file; }},
    {kPropClientName, "client-name", "Client name",
     "What the server's operator sees of this connection",
     [](Settings& s) -> std::string& { return s.link.client_name; }},
};

struct IntProperty {
  guint id;
  const char* name;
  const char* nick;
  const char* blurb;
  int LinkConfig::*of;
  int min;
  int max;
};

const IntProperty kInts[] = {
    {kPropPingInterval, "ping-interval", "Ping interval",
     "How often the server is pinged, in milliseconds",
     &LinkConfig::ping_interval_ms, 10, 3'600'000},
    {kPropMaxPingsOut, "max-pings-out", "Most pings out",
     "A server that owes so many answers is given up",
     &LinkConfig::max_pings_out, 1, 1'000},
    {kPropReconnectWait, "reconnect-wait", "Reconnect wait",
     "How long to wait after all servers were tried, in milliseconds",
     &LinkConfig::reconnect_wait_ms, 1, 3'600'000},
    {kPropMaxQueueTime, "max-queue-time", "Longest wait",
     "Media that waited longer is dropped, in milliseconds",
     &LinkConfig::max_queue_ms, 1, 60'000},
};

constexpr auto kFlags = static_cast<GParamFlags>(
    G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY);

}  // namespace

std::string get_string(const GValue* value) {
  const gchar* text = g_value_get_string(value);
  return text ? text : "";
}

bool Settings::set(guint id, const GValue* value) {
  for (const StringProperty& property : kStrings) {
    if (property.id != id) continue;
    property.of(*this) = get_string(value);
    return true;
  }
  for (const IntProperty& property : kInts) {
    if (property.id != id) continue;
    link.*property.of = g_value_get_int(value);
    return true;
  }
  switch (id) {
    case kPropSubject:
      subject = get_string(value);
      return true;
    case kPropTls:
      link.tls = g_value_get_boolean(value);
      return true;
    case kPropInsecureSkipVerify:
      link.insecure_skip_verify = g_value_get_boolean(value);
      return true;
    case kPropMaxQueueBytes:
      link.max_queue_bytes = g_value_get_uint(value);
      return true;
    default:
      return false;
  }
}

bool Settings::get(guint id, GValue* value) const {
  for (const StringProperty& property : kStrings) {
    if (property.id != id || property.secret) continue;
    g_value_set_string(value,
                       property.of(const_cast<Settings&>(*this)).c_str());
    return true;
  }
  for (const IntProperty& property : kInts) {
    if (property.id != id) continue;
    g_value_set_int(value, link.*property.of);
    return true;
  }
  switch (id) {
    case kPropSubject:
      g_value_set_string(value, subject.c_str());
      return true;
    case kPropTls:
      g_value_set_boolean(value, link.tls);
      return true;
    case kPropInsecureSkipVerify:
      g_value_set_boolean(value, link.insecure_skip_verify);
      return true;
    case kPropMaxQueueBytes:
      g_value_set_uint(value, static_cast<guint>(link.max_queue_bytes));
      return true;
    default:
      return false;
  }
}

LinkConfig Settings::to_config() const {
  LinkConfig config = link;
  config.servers = split_list(servers);
  return config;
}

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts;
  gchar** split = g_strsplit(text.c_str(), ",", -1);
  for (gchar** part = split; *part; ++part) {
    g_strstrip(*part);
    if (**part) parts.emplace_back(*part);
  }
  g_strfreev(split);
  return parts;
}

void install_common_properties(GObjectClass* object_class,
                               const char* subject_blurb) {
  const Settings defaults;
  for (const StringProperty& property : kStrings) {
    const std::string fallback = property.of(const_cast<Settings&>(defaults));
    const auto flags =
        property.secret ? static_cast<GParamFlags>(kFlags & ~G_PARAM_READABLE)
                        : kFlags;
    g_object_class_install_property(
        object_class, property.id,
        g_param_spec_string(property.name, property.nick, property.blurb,
                            fallback.c_str(), flags));
  }
  for (const IntProperty& property : kInts)
    g_object_class_install_property(
        object_class, property.id,
        g_param_spec_int(property.name, property.nick, property.blurb,
                         property.min, property.max, defaults.link.*property.of,
                         kFlags));
  const auto add = [&](guint id, GParamSpec* spec) {
    g_object_class_install_property(object_class, id, spec);
  };
  add(kPropSubject,
      g_param_spec_string("subject", "Subject", subject_blurb, "", kFlags));
  add(kPropTls,
      g_param_spec_boolean("tls", "TLS",
                           "Encrypt the connection, even to servers whose URL "
                           "does not say tls:",
                           FALSE, kFlags));
  add(kPropInsecureSkipVerify,
      g_param_spec_boolean("insecure-skip-verify", "Skip verification",
                           "Accept any certificate of the server; for tests",
                           FALSE, kFlags));
  add(kPropMaxQueueBytes,
      g_param_spec_uint("max-queue-bytes", "Most queued bytes",
                        "Bytes that may wait, each way; of more, media is "
                        "dropped, and the rest at twice as much",
                        64 * 1024, G_MAXINT,
                        static_cast<guint>(defaults.link.max_queue_bytes),
                        kFlags));
  add(kPropStats,
      g_param_spec_boxed(
          "stats", "Statistics",
          "connected (gboolean); connects, messages-in, bytes-in, "
          "messages-out, bytes-out, subscriptions, queued-bytes, failed, "
          "invalid, dropped-full, dropped-late, dropped-cut, dropped-unlinked "
          "(guint64)",
          GST_TYPE_STRUCTURE,
          static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
}

void post_state(GstElement* element, const LinkState& state) {
  gst_element_post_message(
      element,
      gst_message_new_element(
          GST_OBJECT_CAST(element),
          gst_structure_new("videocall-nats-state", "connected", G_TYPE_BOOLEAN,
                            gboolean{state.connected}, "server", G_TYPE_STRING,
                            state.server.c_str(), "reason", G_TYPE_STRING,
                            state.reason.c_str(), nullptr)));
}

void post_error(GstElement* element, const Error& error) {
  GST_ELEMENT_ERROR(element, RESOURCE, SETTINGS, ("%s.", error.message.c_str()),
                    (nullptr));
}

GstStructure* make_stats(const char* name, const LinkStats& stats) {
  GstStructure* structure = gst_structure_new(
      name, "connected", G_TYPE_BOOLEAN, gboolean{stats.connected}, nullptr);
  const std::pair<const char*, uint64_t> counters[] = {
      {"connects", stats.connects},
      {"messages-in", stats.messages_in},
      {"bytes-in", stats.bytes_in},
      {"messages-out", stats.messages_out},
      {"bytes-out", stats.bytes_out},
      {"subscriptions", stats.subscriptions},
      {"queued-bytes", stats.queued_bytes},
      {"failed", stats.failed},
      {"invalid", stats.invalid},
      {"dropped-full", stats.dropped.full + stats.slow},
      {"dropped-late", stats.dropped.late},
      {"dropped-cut", stats.dropped.cut},
      {"dropped-unlinked", stats.dropped.unlinked},
  };
  for (const auto& [field, value] : counters)
    gst_structure_set(structure, field, G_TYPE_UINT64, guint64{value}, nullptr);
  return structure;
}

}  // namespace videocall::nats
