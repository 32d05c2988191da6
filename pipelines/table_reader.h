// SPDX-License-Identifier: MIT
// Reads one TOML table key by key and reports what is wrong with it: a key
// that is unknown (with the nearest right one), missing, or of another type.
#pragma once

#include <toml++/toml.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipelines/description.h"
#include "pipelines/diagnostics.h"

namespace videocall::pipelines {

class TableReader {
 public:
  // |what| names the table in messages ("[[parameter]]"). |source| is the
  // file's text, needed for the line in which a launch text begins. All are
  // borrowed and must outlive the reader.
  TableReader(const toml::table& table, std::string what,
              const std::vector<std::string_view>& source,
              Diagnostics& diagnostics)
      : table_(table),
        what_(std::move(what)),
        source_(source),
        diagnostics_(diagnostics) {}

  // Reports every key that is not in |known|.
  void only(const std::vector<std::string>& known);

  [[nodiscard]] uint32_t line() const;
  [[nodiscard]] uint32_t line_of(std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;

  // The value, or the default where the key is missing or wrong.
  std::string text(std::string_view key);
  std::string required_text(std::string_view key);
  bool boolean(std::string_view key, bool otherwise);
  uint64_t uinteger(std::string_view key, uint64_t otherwise, uint64_t max);
  std::optional<double> number(std::string_view key);
  std::vector<std::string> texts(std::string_view key);
  LaunchText launch(std::string_view key);
  // Any scalar as text.
  std::optional<std::string> scalar(std::string_view key);
  // A name: [a-z][a-z0-9-]*, at most 64 characters; of a |value| that people
  // type, capitals too.
  std::string name(std::string_view key, bool value = false);

  const toml::table* table(std::string_view key);
  // An array of tables; empty where missing.
  std::vector<const toml::table*> tables(std::string_view key);
  const toml::array* array(std::string_view key);

  void fault(std::string_view key, std::string reason);
  LaunchText launch_of(const toml::node& node) const;
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  const toml::node* get(std::string_view key) const;
  void wrong_type(std::string_view key, const toml::node& node,
                  std::string_view right);

  const toml::table& table_;
  std::string what_;
  const std::vector<std::string_view>& source_;
  Diagnostics& diagnostics_;
};

[[nodiscard]] std::optional<std::string> scalar_text(const toml::node& node);
[[nodiscard]] uint32_t line_of(const toml::node& node);

}  // namespace videocall::pipelines
