// SPDX-License-Identifier: MIT
#include "pipelines/nearest.h"

#include <algorithm>

namespace videocall::pipelines {

size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows of the optimal string alignment matrix.
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1),
      row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view wrong,
                    const std::vector<std::string>& known) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, wrong.size() / 3) + 1;
  for (const std::string& word : known) {
    const size_t distance = edit_distance(wrong, word);
    // A two-letter word is two changes away from every other one.
    if (distance >= word.size()) continue;
    if (distance < best_distance) {
      best_distance = distance;
      best = word;
    }
  }
  return best;
}

std::string join(const std::vector<std::string>& words, size_t limit) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i == limit) return text + ", …";
    if (i > 0) text += ", ";
    text += words[i];
  }
  return text;
}

std::string suggestion(std::string_view wrong,
                       const std::vector<std::string>& known) {
  const std::string best = nearest(wrong, known);
  if (!best.empty()) return "; did you mean \"" + best + "\"?";
  if (known.empty()) return "";
  return "; known: " + join(known);
}

}  // namespace videocall::pipelines
