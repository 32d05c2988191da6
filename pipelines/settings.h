// SPDX-License-Identifier: MIT
// What a person chose for one description: alternatives and values, each
// checked as it is set.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"
#include "pipelines/launch.h"
#include "pipelines/value.h"

namespace videocall::pipelines {

class Settings {
 public:
  // |description| is borrowed and must outlive the settings.
  explicit Settings(const Description& description)
      : description_(description) {}

  // Sets a parameter, or selects an alternative of a choice. Errors: not_found
  // (no such name, with the nearest one; or a file that is missing),
  // invalid_argument, permission.
  Result<void> set(std::string_view name, std::string_view text);

  // What was set, not the default. nullptr when nothing was.
  [[nodiscard]] const std::string* given(std::string_view name) const;

  // The alternative of each choice: the one given; else the one that owns a
  // parameter that was given; else the default. Errors: invalid_argument when
  // what was given excludes itself.
  [[nodiscard]] Result<Selection> selection() const;

  // The value of one parameter: given, default, or none. Errors as set().
  [[nodiscard]] Result<std::optional<Value>> value(
      const Parameter& parameter) const;

  // Whether the selection is one, and every parameter that it needs has a
  // value. Errors: invalid_argument, "NAME is missing: …".
  [[nodiscard]] Result<void> complete() const;

  // The parameters that count under |selection|.
  [[nodiscard]] std::vector<const Parameter*> effective(
      const Selection& selection) const;

  // Whether a branch or dynamic part is wanted.
  [[nodiscard]] Result<bool> holds(const Condition& when,
                                   const Selection& selection) const;

  // Takes over everything that was given. |other| belongs to a copy of the
  // same description.
  void give_to(Settings& other) const { other.given_ = given_; }

 private:
  Result<const Alternative*> select(const Choice& choice) const;

  const Description& description_;
  std::map<std::string, std::string, std::less<>> given_;
};

}  // namespace videocall::pipelines
