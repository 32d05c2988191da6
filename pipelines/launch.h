// SPDX-License-Identifier: MIT
// Launch text: what stands in it, and the whole text of one selection. Only
// texts of the description itself and numbers that the loader counts are ever
// put in; a user's value never is.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"

namespace videocall::pipelines {

// An element as a launch text makes it.
struct NamedElement {
  std::string factory;
  std::string name;  // may hold {index}
};

// Elements that are given a name.
[[nodiscard]] std::vector<NamedElement> named_elements(std::string_view text);

// The factory names of all elements, named or not, without placeholders.
[[nodiscard]] std::vector<std::string> factories(std::string_view text);

// The placeholders "{video}", "{to.audio}", "{index}", without braces. What
// else stands in braces (a caps list) is none.
[[nodiscard]] std::vector<std::string> placeholders(std::string_view text);

// Replaces placeholders by |texts|; one that is not there stays.
[[nodiscard]] std::string fill(std::string_view text,
                               const std::map<std::string, std::string>& texts);

// The same text with lines that begin with "#" left empty (gst-launch has no
// comments).
[[nodiscard]] std::string without_comments(std::string_view text);

// The line on which |word| stands as a word of its own in any of the
// description's launch texts; |otherwise| if in none.
[[nodiscard]] uint32_t line_of_word(const Description& description,
                                    std::string_view word, uint32_t otherwise);

// Choice name → the selected alternative.
using Selection = std::map<std::string, const Alternative*>;
// Repeated fragment name → how often.
using Counts = std::map<std::string, uint64_t>;

// The launch text of |description| for one selection. Errors:
// invalid_argument, two elements of one name.
[[nodiscard]] Result<std::string> expand(const Description& description,
                                         const Selection& selection,
                                         const Counts& counts);

}  // namespace videocall::pipelines
