// SPDX-License-Identifier: MIT
#include "server/relay_structures.h"

namespace videocall::server {
namespace {

uint32_t uint_field(const GstStructure* structure, const char* name) {
  guint value = 0;
  gst_structure_get_uint(structure, name, &value);
  return value;
}

void set_strings(GstStructure* structure, const char* name,
                 const std::vector<std::string>& strings) {
  std::vector<const char*> pointers;
  for (const std::string& string : strings) pointers.push_back(string.c_str());
  pointers.push_back(nullptr);
  gst_structure_set(structure, name, G_TYPE_STRV, pointers.data(), nullptr);
}

std::vector<std::string> strings_field(const GstStructure* structure,
                                       const char* name) {
  std::vector<std::string> strings;
  const GValue* value = gst_structure_get_value(structure, name);
  if (value == nullptr || !G_VALUE_HOLDS(value, G_TYPE_STRV)) return strings;
  auto* list = static_cast<gchar**>(g_value_get_boxed(value));
  for (; list != nullptr && *list != nullptr; ++list)
    strings.emplace_back(*list);
  return strings;
}

}  // namespace

std::string text_field(const GstStructure* structure, const char* name) {
  const char* text = gst_structure_get_string(structure, name);
  return text == nullptr ? "" : text;
}

uint64_t uint64_field(const GstStructure* structure, const char* name) {
  guint64 value = 0;
  gst_structure_get_uint64(structure, name, &value);
  return value;
}

bool bool_field(const GstStructure* structure, const char* name) {
  gboolean value = FALSE;
  gst_structure_get_boolean(structure, name, &value);
  return value;
}

SessionRequest request_of(const GstStructure* structure) {
  SessionRequest request;
  request.id = uint64_field(structure, "request-id");
  request.shard = uint_field(structure, "shard");
  request.meeting = text_field(structure, "meeting");
  request.token = text_field(structure, "token");
  request.resume = text_field(structure, "resume");
  request.origin = text_field(structure, "origin");
  request.remote_address = text_field(structure, "remote-address");
  return request;
}

RoomMember member_of(const GstStructure* entry) {
  return {uint64_field(entry, "session-id"), text_field(entry, "user-id"),
          text_field(entry, "display-name"), uint_field(entry, "role"),
          uint64_field(entry, "joined-at-ms")};
}

cluster::Heartbeat node_of(const GstStructure* entry) {
  cluster::Heartbeat node;
  node.node_id = text_field(entry, "node-id");
  node.sessions = uint_field(entry, "sessions");
  node.max_sessions = uint_field(entry, "max-sessions");
  gst_structure_get_double(entry, "cpu-load", &node.cpu_load);
  node.draining = bool_field(entry, "draining");
  node.token_key_id = text_field(entry, "token-key-id");
  node.transport_urls = strings_field(entry, "transport-urls");
  node.certificate_hashes = strings_field(entry, "certificate-hashes");
  return node;
}

GstStructure* structure_of(const Grant& grant) {
  return gst_structure_new(
      "grant", "session-id", G_TYPE_UINT64, guint64{grant.session_id},
      "meeting", G_TYPE_STRING, grant.meeting.c_str(), "user-id", G_TYPE_STRING,
      grant.user_id.c_str(), "display-name", G_TYPE_STRING,
      grant.display_name.c_str(), "role", G_TYPE_UINT, guint{grant.role},
      "token-id", G_TYPE_STRING, grant.token_id.c_str(), "resumes",
      G_TYPE_BOOLEAN, gboolean{grant.resumes}, "remote-address", G_TYPE_STRING,
      grant.remote_address.c_str(), nullptr);
}

GstStructure* structure_of(const cluster::Heartbeat& node) {
  GstStructure* info = gst_structure_new(
      "node", "max-sessions", G_TYPE_UINT, guint{node.max_sessions}, "cpu-load",
      G_TYPE_DOUBLE, node.cpu_load, "draining", G_TYPE_BOOLEAN,
      gboolean{node.draining}, "token-key-id", G_TYPE_STRING,
      node.token_key_id.c_str(), nullptr);
  set_strings(info, "transport-urls", node.transport_urls);
  set_strings(info, "certificate-hashes", node.certificate_hashes);
  return info;
}

}  // namespace videocall::server
