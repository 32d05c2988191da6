// SPDX-License-Identifier: MIT
#include "libvideocall/base/log.h"

#include <atomic>

namespace videocall {
namespace {

std::atomic<LogSink> g_sink{nullptr};
std::atomic<LogLevel> g_threshold{LogLevel::info};

}  // namespace

void set_log_sink(LogSink sink, LogLevel threshold) {
  g_threshold.store(threshold, std::memory_order_relaxed);
  g_sink.store(sink, std::memory_order_release);
}

void set_log_threshold(LogLevel threshold) {
  g_threshold.store(threshold, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) {
  return g_sink.load(std::memory_order_acquire) != nullptr &&
         level <= g_threshold.load(std::memory_order_relaxed);
}

void log_message(LogLevel level, std::string_view area,
                 std::string_view message) {
  if (!log_enabled(level)) return;
  g_sink.load(std::memory_order_acquire)(level, area, message);
}

}  // namespace videocall
