// SPDX-License-Identifier: MIT
// "did you mean": the known name closest to a wrong one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace videocall::pipelines {

// Insertions, deletions, substitutions and swaps of neighbours that turn one
// word into the other.
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);

// The closest of |known|, empty when none is close enough to be meant (more
// than a third of the letters, at least two, would have to change).
[[nodiscard]] std::string nearest(std::string_view wrong,
                                  const std::vector<std::string>& known);

// "; did you mean "x"?" or, when nothing is close, "; known: a, b, c".
[[nodiscard]] std::string suggestion(std::string_view wrong,
                                     const std::vector<std::string>& known);

// "a, b, c", at most |limit| of them.
[[nodiscard]] std::string join(const std::vector<std::string>& words,
                               size_t limit = 24);

}  // namespace videocall::pipelines
