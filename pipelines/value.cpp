// SPDX-License-Identifier: MIT
#include "pipelines/value.h"

#include <glib.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "pipelines/nearest.h"

namespace videocall::pipelines {
namespace {

namespace fs = std::filesystem;

Error bad(const Parameter& parameter, std::string reason,
          Errc code = Errc::invalid_argument) {
  return {code, parameter.name + ": " + std::move(reason)};
}

std::string quoted(std::string_view text) {
  return "\"" + std::string(text) + "\"";
}

template <typename T>
bool read_number(std::string_view text, T& out) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::string number_text(double number) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", number);
  return text;
}

Result<Value> check_range(const Parameter& parameter, double number,
                          Value value) {
  if ((parameter.min && number < *parameter.min) ||
      (parameter.max && number > *parameter.max)) {
    return bad(parameter, number_text(number) + " is out of range, " +
                              describe_range(parameter));
  }
  return value;
}

Result<Value> parse_integer(const Parameter& parameter, std::string_view text) {
  int64_t number = 0;
  if (parameter.type == Type::uinteger && text == "cores") {
    number = std::max(1u, std::thread::hardware_concurrency());
  } else if (!read_number(text, number)) {
    return bad(parameter,
               quoted(text) + " is not a whole number" +
                   (parameter.unit.empty() ? "" : " of " + parameter.unit));
  }
  if (parameter.type == Type::uinteger && number < 0) {
    return bad(parameter, number_text(double(number)) +
                              " is negative; give a number from 0 on");
  }
  return check_range(parameter, double(number), number);
}

Result<Value> parse_bool(const Parameter& parameter, std::string_view text) {
  for (const char* word : {"true", "yes", "on", "1"})
    if (text == word) return Value(true);
  for (const char* word : {"false", "no", "off", "0"})
    if (text == word) return Value(false);
  return bad(parameter, quoted(text) + " is neither true nor false");
}

Result<Value> parse_number(const Parameter& parameter, std::string_view text) {
  double number = 0;
  if (!read_number(text, number) || !std::isfinite(number))
    return bad(parameter, quoted(text) + " is not a number");
  return check_range(parameter, number, number);
}

Result<Value> parse_enum(const Parameter& parameter, std::string_view text) {
  for (const std::string& choice : parameter.choices)
    if (choice == text) return Value(choice);
  return bad(parameter, quoted(text) + " is none of " +
                            join(parameter.choices) +
                            (nearest(text, parameter.choices).empty()
                                 ? ""
                                 : suggestion(text, parameter.choices)));
}

Result<Value> parse_size(const Parameter& parameter, std::string_view text) {
  const size_t x = text.find('x');
  Size size;
  if (x == std::string_view::npos ||
      !read_number(text.substr(0, x), size.width) ||
      !read_number(text.substr(x + 1), size.height)) {
    return bad(parameter,
               quoted(text) + " is not WIDTHxHEIGHT, such as 1280x720");
  }
  if (size.width < 1 || size.height < 1 || size.width > kMaxPictureSide ||
      size.height > kMaxPictureSide) {
    return bad(parameter, quoted(text) + " is out of range, 1x1 to " +
                              std::to_string(kMaxPictureSide) + "x" +
                              std::to_string(kMaxPictureSide) + " pixels");
  }
  return Value(size);
}

bool is_server_url(const std::string& text) {
  GUri* uri = g_uri_parse(text.c_str(), G_URI_FLAGS_NONE, nullptr);
  if (!uri) return false;
  const std::string scheme = g_uri_get_scheme(uri);
  const char* host = g_uri_get_host(uri);
  const bool good =
      (scheme == "http" || scheme == "https") && host && *host != '\0';
  g_uri_unref(uri);
  return good;
}

Result<Value> parse_url(const Parameter& parameter, std::string_view text) {
  const std::string url(text);
  if (is_server_url(url)) return Value(url);
  // A host and port alone is the likeliest slip.
  const bool bare =
      url.find("://") == std::string::npos && is_server_url("http://" + url);
  return bad(parameter,
             quoted(text) + " is no http:// or https:// address, such as " +
                 (bare ? "http://" + url : "https://meet.example.org"));
}

// A folder that is there, or one that can be made when its first file is.
Result<Value> parse_folder(const Parameter& parameter, const fs::path& path) {
  std::error_code error;
  fs::path there = path;
  if (!fs::exists(path, error)) {
    const fs::path whole = fs::absolute(path, error).lexically_normal();
    there = (whole.has_filename() ? whole : whole.parent_path()).parent_path();
  }
  if (fs::exists(path, error) && !fs::is_directory(path, error))
    return bad(parameter, path.string() + " is a file, not a folder");
  if (!fs::is_directory(there, error))
    return bad(parameter,
               "no such folder: " + there.string() + "; make it first",
               Errc::not_found);
  if (access(there.c_str(), W_OK | X_OK) != 0)
    return bad(parameter, "no permission to write in " + there.string(),
               Errc::permission);
  return Value(path.string());
}

Result<Value> parse_file(const Parameter& parameter, std::string_view text) {
  if (text.empty()) return Value(std::string());
  if (text.find('\0') != std::string_view::npos)
    return bad(parameter, "a path cannot hold a zero byte");
  const fs::path path{std::string(text)};
  std::error_code error;
  switch (parameter.access) {
    case FileAccess::read:
      if (!fs::exists(path, error))
        return bad(parameter, "no such file: " + path.string(),
                   Errc::not_found);
      if (fs::is_directory(path, error))
        return bad(parameter, path.string() + " is a folder, not a file");
      if (access(path.c_str(), R_OK) != 0)
        return bad(parameter, "no permission to read " + path.string(),
                   Errc::permission);
      break;
    case FileAccess::write:
      if (path.has_parent_path() &&
          !fs::is_directory(path.parent_path(), error))
        return bad(parameter, "no such folder: " + path.parent_path().string(),
                   Errc::not_found);
      break;
    case FileAccess::folder:
      return parse_folder(parameter, path);
  }
  return Value(std::string(text));
}

}  // namespace

Result<Value> parse_value(const Parameter& parameter, std::string_view text) {
  switch (parameter.type) {
    case Type::integer:
    case Type::uinteger:
      return parse_integer(parameter, text);
    case Type::boolean:
      return parse_bool(parameter, text);
    case Type::number:
      return parse_number(parameter, text);
    case Type::enumeration:
      return parse_enum(parameter, text);
    case Type::size:
      return parse_size(parameter, text);
    case Type::file:
      return parse_file(parameter, text);
    case Type::url:
      return parse_url(parameter, text);
    case Type::string:
    case Type::secret:
      break;
  }
  if (text.find('\0') != std::string_view::npos)
    return bad(parameter, "a text cannot hold a zero byte");
  return Value(std::string(text));
}

std::string value_text(const Value& value) {
  struct Visitor {
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(int64_t number) const {
      return std::to_string(number);
    }
    std::string operator()(bool yes) const { return yes ? "true" : "false"; }
    std::string operator()(double number) const { return number_text(number); }
    std::string operator()(const Size& size) const {
      return std::to_string(size.width) + "x" + std::to_string(size.height);
    }
  };
  return std::visit(Visitor{}, value);
}

std::string describe_range(const Parameter& parameter) {
  const std::string unit = parameter.unit.empty() ? "" : " " + parameter.unit;
  if (parameter.min && parameter.max)
    return number_text(*parameter.min) + " to " + number_text(*parameter.max) +
           unit;
  if (parameter.min) return "at least " + number_text(*parameter.min) + unit;
  if (parameter.max) return "at most " + number_text(*parameter.max) + unit;
  return "";
}

std::string describe_type(const Parameter& parameter) {
  std::string text{type_name(parameter.type)};
  if (parameter.type == Type::enumeration) text = join(parameter.choices);
  if (parameter.type == Type::size) text = "WIDTHxHEIGHT";
  if (parameter.type == Type::file)
    text = parameter.access == FileAccess::folder ? "folder" : "file";
  const std::string range = describe_range(parameter);
  if (!range.empty()) {
    text += ", " + range;
  } else if (!parameter.unit.empty()) {
    text += ", " + parameter.unit;
  }
  if (parameter.required) text += ", required";
  if (parameter.default_text && !parameter.default_text->empty())
    text += ", default " + *parameter.default_text;
  return text;
}

}  // namespace videocall::pipelines
