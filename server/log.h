// SPDX-License-Identifier: MIT
// The daemon's log: one line an event on standard error, from the daemon, GLib
// and GStreamer alike, in one format. Tokens and resume secrets that slip into
// a message are masked here; never pass media. Safe from any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "libvideocall/base/log.h"

namespace videocall::server {

struct LogField {
  std::string_view name;
  std::string value;
};

// Sets level and form, and takes over the logs of GLib and GStreamer.
// |level| and |format| are values of the keys log-level and log-format.
// Call once, after gst_init() and before the first thread.
void start_log(std::string_view level, std::string_view format);

// The level alone, at any time. Any thread.
void set_log_level(std::string_view level);

// |area| says who speaks: "http", "admission", …; |message| is a short
// sentence without its values, which go into |fields|.
void log_event(LogLevel level, std::string_view area, std::string_view message,
               std::initializer_list<LogField> fields = {});

// |text| with the value of every token= and resume= replaced.
std::string mask_secrets(std::string_view text);

// One line without its end, as start_log()'s |format| says. |time| is ISO 8601
// or empty (then none is written).
std::string format_line(bool json, std::string_view time, LogLevel level,
                        std::string_view area, std::string_view message,
                        std::initializer_list<LogField> fields);

}  // namespace videocall::server
