// SPDX-License-Identifier: MIT
#include "plugins/videocall/meetinguri.h"

#include <glib.h>

#include <memory>

namespace videocall::gst {
namespace {

struct Free {
  void operator()(GUri* it) const { g_uri_unref(it); }
  void operator()(GHashTable* it) const { g_hash_table_unref(it); }
  void operator()(gchar* it) const { g_free(it); }
};
using UriPtr = std::unique_ptr<GUri, Free>;
using TablePtr = std::unique_ptr<GHashTable, Free>;
using TextPtr = std::unique_ptr<gchar, Free>;

constexpr char kHttp[] = "http://";
constexpr char kHttps[] = "https://";

std::string escape(const std::string& text) {
  return TextPtr(g_uri_escape_string(text.c_str(), nullptr, FALSE)).get();
}

std::string unescape(const std::string& text) {
  const TextPtr plain(g_uri_unescape_string(text.c_str(), nullptr));
  return plain ? plain.get() : "";
}

bool read_query(const char* query, MeetingUri& parts, std::string& why) {
  if (!query) return true;
  GError* error = nullptr;
  const TablePtr table(
      g_uri_parse_params(query, -1, "&", G_URI_PARAMS_NONE, &error));
  if (!table) {
    why = error->message;
    g_error_free(error);
    return false;
  }
  GHashTableIter iterator;
  gpointer key = nullptr;
  gpointer value = nullptr;
  g_hash_table_iter_init(&iterator, table.get());
  while (g_hash_table_iter_next(&iterator, &key, &value)) {
    const std::string name = static_cast<const char*>(key);
    if (name == "user") {
      parts.user = static_cast<const char*>(value);
    } else if (name == "display-name") {
      parts.display_name = static_cast<const char*>(value);
    } else {
      why = "unknown parameter '" + name + "': user and display-name are known";
      return false;
    }
  }
  return true;
}

}  // namespace

std::optional<MeetingUri> parse_meeting_uri(const std::string& uri,
                                            std::string& why) {
  GError* error = nullptr;
  const UriPtr parsed(g_uri_parse(uri.c_str(), G_URI_FLAGS_ENCODED, &error));
  if (!parsed) {
    why = error->message;
    g_error_free(error);
    return std::nullopt;
  }
  const std::string scheme = g_uri_get_scheme(parsed.get());
  const char* host = g_uri_get_host(parsed.get());
  if ((scheme != "videocall" && scheme != "videocalls") || !host || !*host) {
    why = "expected videocall://HOST/MEETING or videocalls://HOST/MEETING";
    return std::nullopt;
  }
  const std::string path = g_uri_get_path(parsed.get());
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash + 1 == path.size()) {
    why = "the meeting is missing: videocall://HOST/MEETING";
    return std::nullopt;
  }
  MeetingUri parts;
  parts.location = scheme == "videocalls" ? kHttps : kHttp;
  const bool ipv6 = std::string(host).find(':') != std::string::npos;
  parts.location += ipv6 ? "[" + std::string(host) + "]" : std::string(host);
  const int port = g_uri_get_port(parsed.get());
  if (port > 0) parts.location += ":" + std::to_string(port);
  parts.location += path.substr(0, slash);
  parts.meeting = unescape(path.substr(slash + 1));
  if (!read_query(g_uri_get_query(parsed.get()), parts, why))
    return std::nullopt;
  return parts;
}

std::string format_meeting_uri(const MeetingUri& parts) {
  std::string rest;
  std::string uri;
  if (parts.location.rfind(kHttps, 0) == 0) {
    uri = "videocalls://";
    rest = parts.location.substr(sizeof kHttps - 1);
  } else if (parts.location.rfind(kHttp, 0) == 0) {
    uri = "videocall://";
    rest = parts.location.substr(sizeof kHttp - 1);
  }
  while (!rest.empty() && rest.back() == '/') rest.pop_back();
  if (rest.empty() || parts.meeting.empty()) return "";
  uri += rest + "/" + escape(parts.meeting);
  char separator = '?';
  if (!parts.user.empty()) {
    uri += separator + std::string("user=") + escape(parts.user);
    separator = '&';
  }
  if (!parts.display_name.empty())
    uri +=
        separator + std::string("display-name=") + escape(parts.display_name);
  return uri;
}

}  // namespace videocall::gst
