// SPDX-License-Identifier: MIT
#include "cli/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace videocall::cli {
namespace {

constexpr unsigned kLiveIntervalMs = 1'000;
constexpr unsigned kPlainIntervalMs = 5'000;

// One column less than the terminal has: a full line would wrap.
size_t columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
    return 79;
  return size.ws_col - 1u;
}

// Cuts at |limit| characters, never within one.
std::string cut(const std::string& text, size_t limit) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins && count++ == limit) return text.substr(0, i);
  }
  return text;
}

}  // namespace

Style default_style() {
  const char* terminal = std::getenv("TERM");
  const bool dumb = !terminal || std::strcmp(terminal, "dumb") == 0;
  return isatty(STDERR_FILENO) && !dumb ? Style::terminal : Style::plain;
}

unsigned Console::status_interval_ms() const {
  return style_ == Style::plain ? kPlainIntervalMs : kLiveIntervalMs;
}

void Console::object(const std::string& name, const nlohmann::json& fields) {
  nlohmann::json out = {{"event", name}};
  out["time_ms"] = std::chrono::duration_cast<std::chrono::milliseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  if (fields.is_object()) out.update(fields);
  const std::string text =
      out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::fprintf(stdout, "%s\n", text.c_str());
  std::fflush(stdout);
}

void Console::end_status() {
  if (!status_shown_) return;
  status_shown_ = false;
  std::fputs("\n", stderr);
}

void Console::line(const std::string& text) {
  if (status_shown_) std::fputs("\r\033[K", stderr);
  status_shown_ = false;
  std::fprintf(stderr, "%s\n", text.c_str());
}

void Console::event(const std::string& name, const nlohmann::json& fields,
                    const std::string& text) {
  if (style_ == Style::quiet) return;
  if (style_ == Style::json) {
    object(name, fields);
  } else if (!text.empty()) {
    line(text);
  }
}

void Console::warning(const std::string& text) {
  if (style_ == Style::json) {
    object("warning", {{"message", text}});
  } else if (style_ != Style::quiet) {
    line("videocall-cli: note: " + text);
  }
}

void Console::error(const std::string& text, int code) {
  if (style_ == Style::json)
    object("error", {{"message", text}, {"exit_code", code}});
  if (style_ == Style::terminal && status_shown_) end_status();
  std::fprintf(stderr, "videocall-cli: %s\n", text.c_str());
}

void Console::status(const nlohmann::json& fields, const std::string& text) {
  switch (style_) {
    case Style::quiet:
      return;
    case Style::json:
      return object("status", fields);
    case Style::plain:
      return line(text);
    case Style::terminal:
      std::fprintf(stderr, "\r\033[K%s", cut(text, columns()).c_str());
      std::fflush(stderr);
      status_shown_ = true;
  }
}

}  // namespace videocall::cli
