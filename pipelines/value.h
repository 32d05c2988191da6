// SPDX-License-Identifier: MIT
// One parameter's value: from a person's text to something with a type, a
// range and a unit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"

namespace videocall::pipelines {

struct Size {
  int64_t width = 0;
  int64_t height = 0;
  bool operator==(const Size&) const = default;
};

// string, enum, file and secret are text.
using Value = std::variant<std::string, int64_t, bool, double, Size>;

inline constexpr int64_t kMaxPictureSide = 16'384;

// Errors: invalid_argument, "NAME: what is wrong and what would be right"; a
// secret's text never stands in it. not_found when a file to be read, or the
// folder of one to be written, is missing.
[[nodiscard]] Result<Value> parse_value(const Parameter& parameter,
                                        std::string_view text);

// The value as text, such as a property takes it: "1280x720", "true".
[[nodiscard]] std::string value_text(const Value& value);

// "uint, 30 to 20000 kbit/s, default 800": for help texts.
[[nodiscard]] std::string describe_type(const Parameter& parameter);

// "30 to 20000 kbit/s", "at least 1", or empty.
[[nodiscard]] std::string describe_range(const Parameter& parameter);

}  // namespace videocall::pipelines
