// SPDX-License-Identifier: MIT
// What a person or a program reads from videocall-cli. Events and errors are
// lines; the status is one line that rewrites itself on a terminal and a plain
// line every few seconds elsewhere. With JSON everything is one object a line
// on standard output, errors included.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace videocall::cli {

enum class Style {
  terminal,  // live status line on standard error
  plain,     // lines on standard error
  json,      // objects on standard output
  quiet,     // errors only
};

// Terminal if standard error is one, plain otherwise.
[[nodiscard]] Style default_style();

class Console {
 public:
  explicit Console(Style style) : style_(style) {}
  ~Console() { end_status(); }
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Something happened: |name| and |fields| for programs, |text| for people,
  // to whom an empty one says nothing.
  void event(const std::string& name, const nlohmann::json& fields,
             const std::string& text);
  void warning(const std::string& text);
  // |code| is the exit code that follows.
  void error(const std::string& text, int code);
  // |fields| for programs, |text| for people.
  void status(const nlohmann::json& fields, const std::string& text);

  // How often status() is to be called.
  [[nodiscard]] unsigned status_interval_ms() const;
  [[nodiscard]] Style style() const { return style_; }

 private:
  void end_status();
  void line(const std::string& text);
  void object(const std::string& name, const nlohmann::json& fields);

  Style style_;
  bool status_shown_ = false;
};

}  // namespace videocall::cli
