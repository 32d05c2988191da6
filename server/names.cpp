// SPDX-License-Identifier: MIT
#include "server/names.h"

#include <glib.h>

#include <algorithm>

#include "libvideocall/wire/limits.h"

namespace videocall::server {
namespace {

bool is_clean_text(std::string_view text, size_t max_bytes) {
  if (text.empty() || text.size() > max_bytes) return false;
  const auto size = static_cast<gssize>(text.size());
  if (!g_utf8_validate(text.data(), size, nullptr)) return false;
  for (const char* at = text.data(); at < text.data() + text.size();
       at = g_utf8_next_char(at))
    if (g_unichar_iscntrl(g_utf8_get_char(at))) return false;
  return true;
}

}  // namespace

bool is_meeting_id(std::string_view id) {
  return !id.empty() && id.size() <= limits::kMaxMeetingIdBytes &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return g_ascii_isalnum(c) || c == '_' || c == '-';
         });
}

bool is_user_id(std::string_view id) {
  return is_clean_text(id, limits::kMaxUserIdBytes);
}

bool is_display_name(std::string_view name) {
  if (!is_clean_text(name, limits::kMaxDisplayNameBytes)) return false;
  for (const char* at = name.data(); at < name.data() + name.size();
       at = g_utf8_next_char(at))
    if (!g_unichar_isspace(g_utf8_get_char(at))) return true;
  return false;
}

}  // namespace videocall::server
