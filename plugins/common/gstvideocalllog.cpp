// SPDX-License-Identifier: MIT
#include "plugins/common/gstvideocalllog.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "libvideocall/base/log.h"

using videocall::LogLevel;

namespace {

struct Area {
  std::string_view name;
  const char* category_name;
  GstDebugCategory* category;
};

std::array<Area, 7> g_areas = {{
    {"base", "videocall-base", nullptr},
    {"wire", "videocall-wire", nullptr},
    {"quic", "videocall-quic", nullptr},
    {"room", "videocall-room", nullptr},
    {"auth", "videocall-auth", nullptr},
    {"client", "videocall-client", nullptr},
    {"e2ee", "videocall-e2ee", nullptr},
}};

GstDebugLevel to_gst(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return GST_LEVEL_ERROR;
    case LogLevel::warning:
      return GST_LEVEL_WARNING;
    case LogLevel::info:
      return GST_LEVEL_INFO;
    case LogLevel::debug:
      return GST_LEVEL_DEBUG;
    case LogLevel::log:
      return GST_LEVEL_LOG;
  }
  return GST_LEVEL_LOG;
}

LogLevel from_gst(GstDebugLevel level) {
  if (level <= GST_LEVEL_ERROR) return LogLevel::error;
  if (level == GST_LEVEL_WARNING) return LogLevel::warning;
  if (level <= GST_LEVEL_INFO) return LogLevel::info;
  if (level == GST_LEVEL_DEBUG) return LogLevel::debug;
  return LogLevel::log;
}

void write_line(LogLevel level, std::string_view area,
                std::string_view message) {
  const auto found =
      std::find_if(g_areas.begin(), g_areas.end(),
                   [&](const Area& known) { return known.name == area; });
  const Area& chosen = found != g_areas.end() ? *found : g_areas.front();
  GST_CAT_LEVEL_LOG(chosen.category, to_gst(level), nullptr, "%.*s",
                    static_cast<int>(message.size()), message.data());
}

}  // namespace

void gst_videocall_log_init() {
  GstDebugLevel most = GST_LEVEL_NONE;
  for (Area& area : g_areas) {
    area.category = _gst_debug_category_new(area.category_name, 0,
                                            "a folder of libvideocall");
    if (area.category)
      most = std::max(most, gst_debug_category_get_threshold(area.category));
  }
  if (most == GST_LEVEL_NONE) return;
  videocall::set_log_sink(write_line, from_gst(most));
}
