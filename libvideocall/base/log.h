// SPDX-License-Identifier: MIT
// Where the library's log lines go. The program that loads the library sets a
// sink (the plugins set one that feeds GStreamer's debug log); without one
// nothing is written. Never pass a token, a key or media to a log line.
#pragma once

#include <string>
#include <string_view>

#include "libvideocall/base/export.h"

namespace videocall {

enum class LogLevel {
  error,    // something is broken
  warning,  // something is degraded
  info,     // life cycle: opened, closed
  debug,    // negotiation
  log,      // per packet
};

// Called from any thread, never under a lock of the library. |area| is a
// folder name of libvideocall, such as "quic".
using LogSink = void (*)(LogLevel level, std::string_view area,
                         std::string_view message);

// Set once, before the first thread starts. nullptr silences the library.
VIDEOCALL_API void set_log_sink(LogSink sink, LogLevel threshold);
VIDEOCALL_API void set_log_threshold(LogLevel threshold);

// Ask before building an expensive message.
VIDEOCALL_API bool log_enabled(LogLevel level);
VIDEOCALL_API void log_message(LogLevel level, std::string_view area,
                               std::string_view message);

}  // namespace videocall
