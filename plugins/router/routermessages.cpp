// SPDX-License-Identifier: MIT
#include "plugins/router/routermessages.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "libvideocall/wire/limits.h"

using namespace videocall;

namespace {

std::string get_string(const GstStructure* structure, const char* field) {
  const gchar* text = gst_structure_get_string(structure, field);
  return text ? text : "";
}

// Sets |field| to a list of what |make| makes of each of |items|.
template <typename Items, typename Make>
void take_list(GstStructure* structure, const char* field, const Items& items,
               Make make) {
  GValue list = G_VALUE_INIT;
  g_value_init(&list, GST_TYPE_LIST);
  for (const auto& item : items) {
    GValue value = G_VALUE_INIT;
    g_value_init(&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed(&value, make(item));
    gst_value_list_append_and_take_value(&list, &value);
  }
  gst_structure_take_value(structure, field, &list);
}

// A GStrv field.
std::vector<std::string> get_strings(const GstStructure* structure,
                                     const char* field) {
  std::vector<std::string> strings;
  const GValue* value = gst_structure_get_value(structure, field);
  if (!value || !G_VALUE_HOLDS(value, G_TYPE_STRV)) return strings;
  auto* list = static_cast<gchar**>(g_value_get_boxed(value));
  for (; list && *list; ++list) strings.emplace_back(*list);
  return strings;
}

void take_strings(GstStructure* structure, const char* field,
                  const std::vector<std::string>& strings) {
  std::vector<const gchar*> pointers;
  for (const std::string& string : strings) pointers.push_back(string.c_str());
  pointers.push_back(nullptr);
  gst_structure_set(structure, field, G_TYPE_STRV, pointers.data(), nullptr);
}

bool is_meeting_id(const std::string& id) {
  if (id.empty() || id.size() > limits::kMaxMeetingIdBytes) return false;
  return std::all_of(id.begin(), id.end(), [](char c) {
    return g_ascii_isalnum(c) || c == '-' || c == '_';
  });
}

}  // namespace

std::optional<SessionHandle> gst_videocall_structure_get_session(
    const GstStructure* structure) {
  guint endpoint = 0;
  guint shard = 0;
  guint slot = 0;
  guint generation = 0;
  if (!gst_structure_get(structure, "endpoint", G_TYPE_UINT, &endpoint, "shard",
                         G_TYPE_UINT, &shard, "slot", G_TYPE_UINT, &slot,
                         "generation", G_TYPE_UINT, &generation, nullptr))
    return std::nullopt;
  constexpr guint kMax16 = std::numeric_limits<uint16_t>::max();
  if (endpoint > kMax16 || shard > kMax16) return std::nullopt;
  return SessionHandle{static_cast<uint16_t>(endpoint),
                       static_cast<uint16_t>(shard), slot, generation};
}

std::optional<room::Grant> gst_videocall_structure_get_grant(
    const GstStructure* session_opened) {
  const GValue* value = gst_structure_get_value(session_opened, "grant");
  if (!value || !GST_VALUE_HOLDS_STRUCTURE(value)) return std::nullopt;
  const GstStructure* fields = gst_value_get_structure(value);
  room::Grant grant;
  guint64 session_id = 0;
  gst_structure_get_uint64(fields, "session-id", &session_id);
  grant.session_id = session_id;
  grant.meeting = get_string(fields, "meeting");
  grant.user_id = get_string(fields, "user-id");
  grant.display_name = get_string(fields, "display-name");
  grant.token_id = get_string(fields, "token-id");
  guint role = 0;
  if (gst_structure_get_uint(fields, "role", &role))
    grant.role = static_cast<room::Role>(
        std::min(role, static_cast<guint>(room::Role::observer)));
  if (grant.role == room::Role::unspecified)
    grant.role = room::Role::participant;
  gboolean resumes = FALSE;
  gst_structure_get_boolean(fields, "resumes", &resumes);
  grant.resumes = resumes;
  if (!is_meeting_id(grant.meeting) || session_id > limits::kMaxSessionId ||
      grant.user_id.size() > limits::kMaxUserIdBytes ||
      grant.display_name.size() > limits::kMaxDisplayNameBytes)
    return std::nullopt;
  return grant;
}

std::vector<LinkReport> gst_videocall_structure_get_reports(
    const GstStructure* feedback) {
  static_assert(std::is_trivially_copyable_v<LinkReport>);
  const GValue* value = gst_structure_get_value(feedback, "reports");
  if (!value || !G_VALUE_HOLDS(value, G_TYPE_BYTES)) return {};
  gsize size = 0;
  const gconstpointer data =
      g_bytes_get_data(static_cast<GBytes*>(g_value_get_boxed(value)), &size);
  std::vector<LinkReport> reports(size / sizeof(LinkReport));
  if (!reports.empty())
    std::memcpy(reports.data(), data, reports.size() * sizeof(LinkReport));
  return reports;
}

GstEvent* gst_videocall_close_session_event(const CloseCommand& command) {
  const SessionHandle& session = command.session;
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new(GST_VIDEOCALL_EVENT_CLOSE_SESSION, "endpoint",
                        G_TYPE_UINT, static_cast<guint>(session.endpoint),
                        "shard", G_TYPE_UINT, static_cast<guint>(session.shard),
                        "slot", G_TYPE_UINT, session.slot, "generation",
                        G_TYPE_UINT, session.generation, "code", G_TYPE_UINT,
                        static_cast<guint>(command.code), "reason",
                        G_TYPE_STRING, command.reason.c_str(), nullptr));
}

GstEvent* gst_videocall_nats_subscribe_event(
    const room::Subscription& subscription) {
  return gst_event_new_custom(
      GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new(GST_VIDEOCALL_EVENT_NATS_SUBSCRIBE, "subject",
                        G_TYPE_STRING, subscription.subject.c_str(), "on",
                        G_TYPE_BOOLEAN, gboolean{subscription.on}, nullptr));
}

cluster::Heartbeat gst_videocall_structure_get_node(const GstStructure* info) {
  cluster::Heartbeat node;
  guint max_sessions = 0;
  if (gst_structure_get_uint(info, "max-sessions", &max_sessions))
    node.max_sessions = max_sessions;
  gst_structure_get_double(info, "cpu-load", &node.cpu_load);
  gboolean draining = FALSE;
  gst_structure_get_boolean(info, "draining", &draining);
  node.draining = draining;
  node.token_key_id = get_string(info, "token-key-id");
  node.transport_urls = get_strings(info, "transport-urls");
  node.certificate_hashes = get_strings(info, "certificate-hashes");
  return node;
}

GstStructure* gst_videocall_nodes_structure(
    const std::vector<cluster::Heartbeat>& nodes) {
  GstStructure* structure = gst_structure_new_empty("nodes");
  take_list(structure, "nodes", nodes, [](const cluster::Heartbeat& node) {
    GstStructure* entry = gst_structure_new(
        "node", "node-id", G_TYPE_STRING, node.node_id.c_str(), "sessions",
        G_TYPE_UINT, guint{node.sessions}, "max-sessions", G_TYPE_UINT,
        guint{node.max_sessions}, "cpu-load", G_TYPE_DOUBLE, node.cpu_load,
        "draining", G_TYPE_BOOLEAN, gboolean{node.draining}, "token-key-id",
        G_TYPE_STRING, node.token_key_id.c_str(), nullptr);
    take_strings(entry, "transport-urls", node.transport_urls);
    take_strings(entry, "certificate-hashes", node.certificate_hashes);
    return entry;
  });
  return structure;
}

GstMessage* gst_videocall_peer_message(GstElement* element,
                                       const room::Notice& notice) {
  using Kind = room::Notice::Kind;
  const char* name = "videocall-peer-joined";
  if (notice.kind == Kind::disconnected) name = "videocall-peer-disconnected";
  if (notice.kind == Kind::resumed) name = "videocall-peer-resumed";
  if (notice.kind == Kind::left) name = "videocall-peer-left";
  GstStructure* structure = gst_structure_new(
      name, "meeting", G_TYPE_STRING, notice.meeting.c_str(), "session-id",
      G_TYPE_UINT64, static_cast<guint64>(notice.session_id), "user-id",
      G_TYPE_STRING, notice.user_id.c_str(), "display-name", G_TYPE_STRING,
      notice.display_name.c_str(), "role", G_TYPE_UINT,
      static_cast<guint>(notice.role), nullptr);
  if (!notice.reason.empty())
    gst_structure_set(structure, "reason", G_TYPE_STRING, notice.reason.c_str(),
                      nullptr);
  return gst_message_new_element(GST_OBJECT(element), structure);
}

GstMessage* gst_videocall_stats_message(
    GstElement* element, const std::string& meeting,
    const std::vector<room::MemberInfo>& members) {
  GstStructure* structure =
      gst_structure_new("videocall-peer-stats", "meeting", G_TYPE_STRING,
                        meeting.c_str(), nullptr);
  take_list(structure, "members", members, [](const room::MemberInfo& member) {
    return gst_structure_new(
        "member", "session-id", G_TYPE_UINT64,
        static_cast<guint64>(member.session_id), "packets-received",
        G_TYPE_UINT64, static_cast<guint64>(member.packets), "bytes-received",
        G_TYPE_UINT64, static_cast<guint64>(member.bytes), nullptr);
  });
  return gst_message_new_element(GST_OBJECT(element), structure);
}

GstStructure* gst_videocall_members_structure(
    const std::vector<room::MemberInfo>& members) {
  GstStructure* structure = gst_structure_new_empty("members");
  take_list(structure, "members", members, [](const room::MemberInfo& member) {
    return gst_structure_new(
        "member", "session-id", G_TYPE_UINT64,
        static_cast<guint64>(member.session_id), "user-id", G_TYPE_STRING,
        member.user_id.c_str(), "display-name", G_TYPE_STRING,
        member.display_name.c_str(), "role", G_TYPE_UINT,
        static_cast<guint>(member.role), "joined-at-ms", G_TYPE_UINT64,
        static_cast<guint64>(member.joined_at_ms), "node", G_TYPE_STRING,
        member.node.c_str(), nullptr);
  });
  return structure;
}

std::string gst_videocall_decode_base64url(std::string_view text) {
  std::string standard(text);
  for (char& c : standard) {
    if (!g_ascii_isalnum(c) && c != '-' && c != '_') return {};
    if (c == '-') c = '+';
    if (c == '_') c = '/';
  }
  standard.append((4 - standard.size() % 4) % 4, '=');
  gsize size = 0;
  guchar* decoded = g_base64_decode(standard.c_str(), &size);
  std::string bytes(reinterpret_cast<char*>(decoded), size);
  g_free(decoded);
  return bytes;
}
