// SPDX-License-Identifier: MIT
#include "pipelines/table_reader.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "pipelines/nearest.h"

namespace videocall::pipelines {
namespace {

constexpr size_t kMaxNameLength = 64;

std::string_view toml_type(const toml::node& node) {
  if (node.is_string()) return "a text";
  if (node.is_integer()) return "a whole number";
  if (node.is_floating_point()) return "a number";
  if (node.is_boolean()) return "true or false";
  if (node.is_array()) return "an array";
  if (node.is_table()) return "a table";
  return "a date or time";
}

bool is_name(std::string_view text, bool capitals) {
  const auto is_letter = [&](char c) {
    return (c >= 'a' && c <= 'z') || (capitals && c >= 'A' && c <= 'Z');
  };
  if (text.empty() || text.size() > kMaxNameLength) return false;
  if (!is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
  });
}

}  // namespace

uint32_t line_of(const toml::node& node) {
  return node.source().begin.line;
}

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return text;
  if (const auto yes = node.value_exact<bool>())
    return std::string(*yes ? "true" : "false");
  if (const auto whole = node.value_exact<int64_t>())
    return std::to_string(*whole);
  if (const auto number = node.value_exact<double>()) {
    char text[32];
    std::snprintf(text, sizeof text, "%.15g", *number);
    return std::string(text);
  }
  return std::nullopt;
}

const toml::node* TableReader::get(std::string_view key) const {
  return table_.get(key);
}

bool TableReader::has(std::string_view key) const {
  return get(key) != nullptr;
}

uint32_t TableReader::line() const {
  return pipelines::line_of(static_cast<const toml::node&>(table_));
}

uint32_t TableReader::line_of(std::string_view key) const {
  const toml::node* node = get(key);
  return node ? pipelines::line_of(*node) : line();
}

void TableReader::fault(std::string_view key, std::string reason) {
  diagnostics_.add(line_of(key), what_ + ": " + std::move(reason));
}

void TableReader::wrong_type(std::string_view key, const toml::node& node,
                             std::string_view right) {
  fault(key, "\"" + std::string(key) + "\" must be " + std::string(right) +
                 ", not " + std::string(toml_type(node)));
}

void TableReader::only(const std::vector<std::string>& known) {
  for (const auto& [key, node] : table_) {
    const std::string word{key.str()};
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    diagnostics_.add(
        key.source().begin.line,
        what_ + ": unknown key \"" + word + "\"" + suggestion(word, known));
  }
}

std::string TableReader::text(std::string_view key) {
  const toml::node* node = get(key);
  if (!node) return "";
  if (const auto text = node->value_exact<std::string>()) return *text;
  wrong_type(key, *node, "a text");
  return "";
}

std::string TableReader::required_text(std::string_view key) {
  if (!has(key)) {
    diagnostics_.add(
        line(), what_ + ": the key \"" + std::string(key) + "\" is missing");
    return "";
  }
  return text(key);
}

std::string TableReader::name(std::string_view key, bool value) {
  std::string word = required_text(key);
  if (!word.empty() && !is_name(word, value)) {
    fault(key, "\"" + word +
                   "\" is not a name: small letters, digits and "
                   "dashes, a letter first, at most 64");
  }
  return word;
}

bool TableReader::boolean(std::string_view key, bool otherwise) {
  const toml::node* node = get(key);
  if (!node) return otherwise;
  if (const auto yes = node->value_exact<bool>()) return *yes;
  wrong_type(key, *node, "true or false");
  return otherwise;
}

uint64_t TableReader::uinteger(std::string_view key, uint64_t otherwise,
                               uint64_t max) {
  const toml::node* node = get(key);
  if (!node) return otherwise;
  const auto whole = node->value_exact<int64_t>();
  if (!whole) {
    wrong_type(key, *node, "a whole number");
    return otherwise;
  }
  if (*whole < 0 || uint64_t(*whole) > max) {
    fault(key, "\"" + std::string(key) + "\" is out of range, 0 to " +
                   std::to_string(max));
    return otherwise;
  }
  return uint64_t(*whole);
}

std::optional<double> TableReader::number(std::string_view key) {
  const toml::node* node = get(key);
  if (!node) return std::nullopt;
  if (node->is_number()) return node->value<double>();
  wrong_type(key, *node, "a number");
  return std::nullopt;
}

std::optional<std::string> TableReader::scalar(std::string_view key) {
  const toml::node* node = get(key);
  if (!node) return std::nullopt;
  auto text = scalar_text(*node);
  if (!text) wrong_type(key, *node, "a text, number or truth value");
  return text;
}

const toml::array* TableReader::array(std::string_view key) {
  const toml::node* node = get(key);
  if (!node) return nullptr;
  if (!node->is_array()) wrong_type(key, *node, "an array");
  return node->as_array();
}

std::vector<std::string> TableReader::texts(std::string_view key) {
  std::vector<std::string> words;
  const toml::array* items = array(key);
  if (!items) return words;
  for (const toml::node& item : *items) {
    if (const auto text = item.value_exact<std::string>()) {
      words.push_back(*text);
    } else {
      wrong_type(key, item, "an array of texts");
    }
  }
  return words;
}

const toml::table* TableReader::table(std::string_view key) {
  const toml::node* node = get(key);
  if (!node) return nullptr;
  if (!node->is_table()) wrong_type(key, *node, "a table");
  return node->as_table();
}

std::vector<const toml::table*> TableReader::tables(std::string_view key) {
  std::vector<const toml::table*> found;
  const toml::node* node = get(key);
  if (!node) return found;
  const toml::array* items = node->as_array();
  if (!items) {
    fault(key, "write [[" + std::string(key) + "]], not [" + std::string(key) +
                   "]: there may be several");
    return found;
  }
  for (const toml::node& item : *items) {
    if (const toml::table* entry = item.as_table()) {
      found.push_back(entry);
    } else {
      wrong_type(key, item, "an array of tables");
    }
  }
  return found;
}

LaunchText TableReader::launch_of(const toml::node& node) const {
  LaunchText launch;
  launch.text = node.value_or(std::string());
  launch.line = pipelines::line_of(node);
  // TOML drops a line break that follows the opening quotes.
  const toml::source_position begin = node.source().begin;
  if (begin.line == 0 || begin.line > source_.size()) return launch;
  std::string_view row = source_[begin.line - 1];
  row = row.substr(std::min<size_t>(begin.column - 1, row.size()));
  while (!row.empty() && (row.back() == '\r' || row.back() == ' '))
    row.remove_suffix(1);
  if (row == "\"\"\"" || row == "'''") ++launch.line;
  return launch;
}

LaunchText TableReader::launch(std::string_view key) {
  const toml::node* node = get(key);
  if (!node) return {};
  if (!node->is_string()) {
    wrong_type(key, *node, "a text");
    return {};
  }
  return launch_of(*node);
}

}  // namespace videocall::pipelines
