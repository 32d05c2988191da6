// SPDX-License-Identifier: MIT
#include "pipelines/launch.h"

#include <algorithm>
#include <cctype>
#include <functional>
#include <set>

#include "pipelines/diagnostics.h"

namespace videocall::pipelines {
namespace {

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
}

// Words as gst-launch separates them: by white space outside quotes.
std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  for (char c : text) {
    if (quote != 0) {
      if (c == quote) quote = 0;
      word += c;
    } else if (c == '"' || c == '\'') {
      quote = c;
      word += c;
    } else if (std::isspace(static_cast<unsigned char>(c)) || c == '!') {
      if (!word.empty()) words.push_back(std::move(word));
      word.clear();
      if (c == '!') words.emplace_back("!");
    } else {
      word += c;
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

bool is_factory(const std::string& word) {
  return std::all_of(word.begin(), word.end(), is_word_char);
}

// The placeholder that begins at |at| ('{'), or empty.
std::string_view placeholder_at(std::string_view text, size_t at) {
  size_t end = at + 1;
  if (end >= text.size() || text[end] < 'a' || text[end] > 'z') return {};
  size_t dots = 0;
  while (end < text.size() && (is_name_char(text[end]) || text[end] == '.')) {
    if (text[end] == '.') ++dots;
    ++end;
  }
  if (end >= text.size() || text[end] != '}' || dots > 1) return {};
  return text.substr(at + 1, end - at - 1);
}

}  // namespace

std::vector<NamedElement> named_elements(std::string_view text) {
  std::vector<NamedElement> found;
  std::string factory;
  for (const std::string& word : split_words(without_comments(text))) {
    if (word == "!") {
      factory.clear();
    } else if (word.rfind("name=", 0) == 0 && !factory.empty()) {
      std::string name = word.substr(5);
      if (name.size() >= 2 && (name.front() == '"' || name.front() == '\''))
        name = name.substr(1, name.size() - 2);
      found.push_back({factory, name});
    } else if (is_factory(word)) {
      factory = word;
    }
  }
  return found;
}

std::vector<std::string> factories(std::string_view text) {
  std::vector<std::string> found;
  for (const std::string& word : split_words(without_comments(text)))
    if (word != "!" && is_factory(word)) found.push_back(word);
  return found;
}

std::vector<std::string> placeholders(std::string_view text) {
  std::vector<std::string> found;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') continue;
    const std::string_view word = placeholder_at(text, i);
    if (!word.empty()) found.emplace_back(word);
  }
  return found;
}

std::string fill(std::string_view text,
                 const std::map<std::string, std::string>& texts) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') {
      const std::string_view word = placeholder_at(text, i);
      const auto it = texts.find(std::string(word));
      if (!word.empty() && it != texts.end()) {
        out += it->second;
        i += word.size() + 1;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

std::string without_comments(std::string_view text) {
  std::string out;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view row = text.substr(begin, end - begin);
    const size_t first = row.find_first_not_of(" \t");
    if (first == std::string_view::npos || row[first] != '#') out += row;
    if (end < text.size()) out += '\n';
    begin = end + 1;
  }
  return out;
}

uint32_t line_of_word(const Description& description, std::string_view word,
                      uint32_t otherwise) {
  if (word.empty()) return otherwise;
  for (const LaunchText* launch : description.launch_texts()) {
    const std::string text = without_comments(launch->text);
    for (size_t at = text.find(word); at != std::string::npos;
         at = text.find(word, at + 1)) {
      const size_t end = at + word.size();
      if (at > 0 && is_word_char(text[at - 1])) continue;
      if (end < text.size() && is_word_char(text[end])) continue;
      return launch->line +
             uint32_t(std::count(text.begin(), text.begin() + long(at), '\n'));
    }
  }
  return otherwise;
}

namespace {

constexpr size_t kMaxExpandedBytes = 10'000'000;

// Puts the texts of one selection together. Cycles were refused by the
// schema, so the recursion ends.
class Expander {
 public:
  Expander(const Description& description, const Selection& selection,
           const Counts& counts)
      : description_(description), selection_(selection), counts_(counts) {}

  std::string run() {
    std::string text = expand(description_.launch.text);
    for (const Fragment& fragment : description_.fragments)
      if (!is_inlined(fragment.name)) text += "\n" + repeated(fragment);
    return text;
  }

  // Fragments that name each other twice would double at every step.
  [[nodiscard]] bool too_large() const { return made_ > kMaxExpandedBytes; }

 private:
  bool is_inlined(const std::string& name) const {
    for (const LaunchText* launch : description_.launch_texts())
      for (const std::string& word : placeholders(launch->text))
        if (word == name) return true;
    return false;
  }

  std::string repeated(const Fragment& fragment) {
    if (fragment.repeat.empty()) return expand(fragment.launch.text);
    const auto it = counts_.find(fragment.name);
    const uint64_t count = it == counts_.end() ? 0 : it->second;
    std::string text;
    for (uint64_t i = 0; i < count; ++i)
      text +=
          fill(expand(fragment.launch.text), {{"index", std::to_string(i)}}) +
          "\n";
    return text;
  }

  std::string replacement(const std::string& word) {
    const size_t dot = word.find('.');
    const auto selected = selection_.find(word.substr(0, dot));
    if (selected != selection_.end()) {
      const Alternative& alternative = *selected->second;
      if (dot == std::string::npos) return expand(alternative.launch.text);
      const auto part = alternative.parts.find(word.substr(dot + 1));
      return part == alternative.parts.end() ? "" : expand(part->second.text);
    }
    const Fragment* fragment = description_.find_fragment(word);
    return fragment ? repeated(*fragment) : "{" + word + "}";
  }

  std::string expand(const std::string& text) {
    if (too_large()) return "";
    const std::string clean = without_comments(text);
    std::map<std::string, std::string> texts;
    for (const std::string& word : placeholders(clean))
      if (word != "index" && !texts.count(word))
        texts[word] = replacement(word);
    std::string filled = fill(clean, texts);
    made_ += filled.size();
    return filled;
  }

  const Description& description_;
  const Selection& selection_;
  const Counts& counts_;
  size_t made_ = 0;
};

}  // namespace

Result<std::string> expand(const Description& description,
                           const Selection& selection, const Counts& counts) {
  Expander expander(description, selection, counts);
  std::string text = expander.run();
  if (expander.too_large())
    return fault_at(description.file, 0, "the launch text grows beyond 10 MB");
  std::set<std::string> names;
  for (const NamedElement& element : named_elements(text)) {
    if (names.insert(element.name).second) continue;
    return fault_at(
        description.file,
        line_of_word(description, element.name, description.launch.line),
        "two elements are named \"" + element.name +
            "\"; a repeated fragment wants {index} in its names");
  }
  return text;
}

}  // namespace videocall::pipelines
