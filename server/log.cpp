// SPDX-License-Identifier: MIT
#include "server/log.h"

#include <gst/gst.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

namespace videocall::server {
namespace {

constexpr std::array<const char*, 5> kLevelNames = {"error", "warning", "info",
                                                    "debug", "trace"};
constexpr std::array<const char*, 5> kLevelColumns = {
    "ERROR  ", "WARNING", "INFO   ", "DEBUG  ", "TRACE  "};
// sd-daemon(3): the priorities that journald reads at the start of a line.
constexpr std::array<const char*, 5> kJournalPriorities = {"<3>", "<4>", "<6>",
                                                           "<7>", "<7>"};
constexpr size_t kMaxLine = 4'096;

std::atomic<LogLevel> g_threshold{LogLevel::info};
std::atomic<bool> g_json{false};
std::atomic<bool> g_journal{false};

std::string now_text() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  gmtime_r(&now.tv_sec, &parts);
  std::array<char, 32> seconds{};
  std::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::array<char, 48> text{};
  g_snprintf(text.data(), text.size(), "%s.%03ldZ", seconds.data(),
             now.tv_nsec / 1'000'000);
  return text.data();
}

// Control characters would let a peer forge lines or drive a terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return out;
}

std::string field_text(const std::string& value) {
  const bool plain =
      !value.empty() && std::none_of(value.begin(), value.end(), [](char c) {
        return c == ' ' || c == '"' || c == '=';
      });
  if (plain) return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

// One write() per line, so that lines of several threads do not mix.
void write_line(std::string line) {
  if (line.size() > kMaxLine) line.resize(kMaxLine);
  line += '\n';
  const char* at = line.data();
  size_t left = line.size();
  while (left > 0) {
    const ssize_t wrote = ::write(STDERR_FILENO, at, left);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;  // nowhere left to complain to
    at += wrote;
    left -= static_cast<size_t>(wrote);
  }
}

LogLevel level_of(GLogLevelFlags flags) {
  if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return LogLevel::error;
  if (flags & G_LOG_LEVEL_WARNING) return LogLevel::warning;
  if (flags & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO)) return LogLevel::info;
  return LogLevel::debug;
}

LogLevel level_of(GstDebugLevel level) {
  switch (level) {
    case GST_LEVEL_ERROR:
      return LogLevel::error;
    case GST_LEVEL_WARNING:
    case GST_LEVEL_FIXME:
      return LogLevel::warning;
    case GST_LEVEL_INFO:
      return LogLevel::info;
    case GST_LEVEL_DEBUG:
      return LogLevel::debug;
    default:
      return LogLevel::log;
  }
}

std::string_view text_of(const GLogField& field) {
  const auto* text = static_cast<const char*>(field.value);
  if (text == nullptr) return {};
  return field.length < 0
             ? std::string_view(text)
             : std::string_view(text, static_cast<size_t>(field.length));
}

GLogWriterOutput write_glib(GLogLevelFlags flags, const GLogField* fields,
                            gsize count, gpointer) {
  std::string_view message;
  std::string_view domain = "glib";
  for (gsize i = 0; i < count; ++i) {
    const std::string_view key = fields[i].key;
    if (key == "MESSAGE") message = text_of(fields[i]);
    if (key == "GLIB_DOMAIN") domain = text_of(fields[i]);
  }
  log_event(level_of(flags), domain, message);
  return G_LOG_WRITER_HANDLED;
}

// GStreamer's own threshold decides what comes here, so that GST_DEBUG works
// as everybody knows it.
void write_gstreamer(GstDebugCategory* category, GstDebugLevel level,
                     const gchar*, const gchar*, gint, GObject* object,
                     GstDebugMessage* message, gpointer) {
  const char* text = gst_debug_message_get(message);
  const std::string area = gst_debug_category_get_name(category);
  std::string name;
  if (GST_IS_OBJECT(object) && GST_OBJECT_NAME(object) != nullptr)
    name = GST_OBJECT_NAME(object);
  const LogLevel ours = level_of(level);
  if (name.empty())
    write_line(format_line(g_json, g_journal ? "" : now_text(), ours, area,
                           text ? text : "", {}));
  else
    write_line(format_line(g_json, g_journal ? "" : now_text(), ours, area,
                           text ? text : "", {{"object", name}}));
}

void quiet_gstreamer(LogLevel level) {
  // GST_DEBUG was read by gst_init() and goes first.
  if (std::getenv("GST_DEBUG") != nullptr) return;
  gst_debug_set_default_threshold(level == LogLevel::error ? GST_LEVEL_ERROR
                                                           : GST_LEVEL_WARNING);
  // The loader of descriptions reports these, with file and line.
  gst_debug_set_threshold_from_string("GST_PIPELINE:0", FALSE);
  const char* ours = level == LogLevel::debug ? "5"
                     : level == LogLevel::log ? "6"
                                              : "2";
  const std::string thresholds =
      std::string("videocall*:") + ours + ",webtransport*:" + ours;
  gst_debug_set_threshold_from_string(thresholds.c_str(), FALSE);
}

}  // namespace

void set_log_level(std::string_view level) {
  const auto name = std::find(kLevelNames.begin(), kLevelNames.end(), level);
  const LogLevel threshold =
      name == kLevelNames.end()
          ? LogLevel::info
          : static_cast<LogLevel>(name - kLevelNames.begin());
  g_threshold = threshold;
  quiet_gstreamer(threshold);
}

void start_log(std::string_view level, std::string_view format) {
  g_json = format == "json";
  g_journal = std::getenv("JOURNAL_STREAM") != nullptr && !isatty(2);
  g_log_set_writer_func(write_glib, nullptr, nullptr);
  gst_debug_remove_log_function(gst_debug_log_default);
  gst_debug_add_log_function(write_gstreamer, nullptr, nullptr);
  gst_debug_set_active(TRUE);
  set_log_level(level);
}

void log_event(LogLevel level, std::string_view area, std::string_view message,
               std::initializer_list<LogField> fields) {
  if (level > g_threshold.load(std::memory_order_relaxed)) return;
  write_line(format_line(g_json, g_journal ? "" : now_text(), level, area,
                         message, fields));
}

std::string mask_secrets(std::string_view text) {
  std::string out(text);
  for (const std::string_view name : {"token=", "resume="}) {
    size_t at = 0;
    while ((at = out.find(name, at)) != std::string::npos) {
      at += name.size();
      const size_t end =
          std::min(out.find_first_of("& \t\"'<>#;,)]}", at), out.size());
      out.replace(at, end - at, "***");
    }
  }
  return out;
}

std::string format_line(bool json, std::string_view time, LogLevel level,
                        std::string_view area, std::string_view message,
                        std::initializer_list<LogField> fields) {
  const auto index = static_cast<size_t>(level);
  if (json) {
    nlohmann::ordered_json line;
    if (!time.empty()) line["time"] = time;
    line["level"] = kLevelNames[index];
    line["area"] = area;
    line["message"] = mask_secrets(message);
    for (const LogField& field : fields)
      line[std::string(field.name)] = mask_secrets(field.value);
    return line.dump(-1, ' ', false,
                     nlohmann::ordered_json::error_handler_t::replace);
  }
  std::string line = time.empty()
                         ? std::string(kJournalPriorities[index])
                         : std::string(time) + " " + kLevelColumns[index] + " ";
  line += std::string(area) + ": " + mask_secrets(message);
  for (const LogField& field : fields)
    line += " " + std::string(field.name) + "=" +
            field_text(mask_secrets(field.value));
  return printable(line);
}

}  // namespace videocall::server
