// SPDX-License-Identifier: MIT
#include "pipelines/schema_check.h"

#include <algorithm>
#include <functional>
#include <set>

#include "pipelines/launch.h"
#include "pipelines/nearest.h"

namespace videocall::pipelines {
namespace {

class Checker {
 public:
  Checker(const Description& description, Diagnostics& diagnostics)
      : d_(description), diagnostics_(diagnostics) {}

  void run() {
    if (d_.launch.text.empty() && d_.fragments.empty())
      diagnostics_.add(0, "there is no \"launch\" text and no [[fragment]]");
    for (const LaunchText* launch : d_.launch_texts())
      for (const NamedElement& element : named_elements(launch->text))
        elements_.push_back(element.name);
    check_names();
    check_placeholders();
    check_cycles();
    check_repeats();
    check_targets();
    check_branches();
  }

 private:
  void check_names() {
    std::set<std::string> seen;
    const auto once = [&](const std::string& name, uint32_t line,
                          const std::string& what) {
      if (!name.empty() && !seen.insert(name).second)
        diagnostics_.add(line, what + ": the name \"" + name +
                                   "\" is taken; every name stands once");
    };
    for (const Parameter& p : d_.parameters)
      once(p.name, p.line, "[[parameter]]");
    for (const Fragment& f : d_.fragments) once(f.name, f.line, "[[fragment]]");
    for (const Branch& b : d_.branches) once(b.name, b.line, "[[branch]]");
    for (const Choice& c : d_.choices) {
      once(c.name, c.line, "[[choice]]");
      std::set<std::string> alternatives;
      for (const Alternative& a : c.alternatives)
        if (!a.name.empty() && !alternatives.insert(a.name).second)
          diagnostics_.add(a.line, "[[choice.alternative]]: the name \"" +
                                       a.name + "\" is taken");
    }
    check_shared_parameters();
  }

  // Alternatives may have a parameter of the same name: it is one flag then,
  // and must be of one type.
  void check_shared_parameters() {
    std::map<std::string, const Parameter*> first;
    for (const Parameter* p : d_.all_parameters()) {
      const auto [it, added] = first.emplace(p->name, p);
      if (!added && it->second->type != p->type)
        diagnostics_.add(
            p->line, "[[parameter]]: \"" + p->name + "\" is " +
                         std::string(type_name(it->second->type)) +
                         " on line " + std::to_string(it->second->line) +
                         " and " + std::string(type_name(p->type)) + " here");
      if (!p->name.empty() && d_.find_choice(p->name))
        diagnostics_.add(p->line, "[[parameter]]: \"" + p->name +
                                      "\" is also the name of a choice");
    }
  }

  std::vector<std::string> placeholder_names() const {
    std::vector<std::string> names;
    for (const Choice& c : d_.choices) {
      names.push_back(c.name);
      for (const Alternative& a : c.alternatives)
        for (const auto& [part, text] : a.parts)
          names.push_back(c.name + "." + part);
    }
    for (const Fragment& f : d_.fragments) names.push_back(f.name);
    return names;
  }

  // Texts that are only ever put into repeated fragments, and these.
  std::set<const LaunchText*> repeated_texts() const {
    std::set<const LaunchText*> repeated;
    for (const Fragment& f : d_.fragments)
      if (!f.repeat.empty()) repeated.insert(&f.launch);
    const auto only_repeated = [&](const std::string& word) {
      size_t users = 0;
      for (const LaunchText* launch : d_.launch_texts()) {
        const auto words = placeholders(without_comments(launch->text));
        if (std::find(words.begin(), words.end(), word) == words.end())
          continue;
        if (!repeated.count(launch)) return false;
        ++users;
      }
      return users > 0;
    };
    for (size_t before = 0; before != repeated.size();) {
      before = repeated.size();
      for (const Choice& c : d_.choices) {
        for (const Alternative& a : c.alternatives) {
          if (only_repeated(c.name)) repeated.insert(&a.launch);
          for (const auto& [part, text] : a.parts)
            if (only_repeated(c.name + "." + part)) repeated.insert(&text);
        }
      }
    }
    return repeated;
  }

  void check_placeholders() {
    const std::vector<std::string> names = placeholder_names();
    const std::set<const LaunchText*> repeated = repeated_texts();
    for (const LaunchText* launch : d_.launch_texts()) {
      for (const std::string& word :
           placeholders(without_comments(launch->text))) {
        const uint32_t line = line_of_word(d_, word, launch->line);
        if (word == "index") {
          if (!repeated.count(launch))
            diagnostics_.add(line,
                             "{index} stands outside a fragment with "
                             "\"repeat\"");
        } else if (std::find(names.begin(), names.end(), word) == names.end()) {
          diagnostics_.add(line, "{" + word +
                                     "} names no choice and no fragment" +
                                     suggestion(word, names));
        }
      }
    }
  }

  std::vector<const LaunchText*> texts_of(const std::string& word) const {
    const size_t dot = word.find('.');
    std::vector<const LaunchText*> texts;
    if (const Choice* c = d_.find_choice(word.substr(0, dot))) {
      for (const Alternative& a : c->alternatives) {
        if (dot == std::string::npos) {
          texts.push_back(&a.launch);
        } else if (const auto it = a.parts.find(word.substr(dot + 1));
                   it != a.parts.end()) {
          texts.push_back(&it->second);
        }
      }
    } else if (const Fragment* f = d_.find_fragment(word)) {
      texts.push_back(&f->launch);
    }
    return texts;
  }

  void check_cycles() {
    // Depth first; a word is finished once everything below it was walked.
    std::set<std::string> open, finished;
    const std::function<void(const LaunchText&)> walk =
        [&](const LaunchText& launch) {
          for (const std::string& word : placeholders(launch.text)) {
            if (word == "index" || finished.count(word)) continue;
            if (!open.insert(word).second) {
              diagnostics_.add(line_of_word(d_, word, launch.line),
                               "{" + word + "} contains itself");
              finished.insert(word);
              continue;
            }
            for (const LaunchText* text : texts_of(word)) walk(*text);
            open.erase(word);
            finished.insert(word);
          }
        };
    for (const LaunchText* launch : d_.launch_texts()) walk(*launch);
  }

  void check_repeats() {
    std::vector<std::string> counts;
    for (const Parameter& p : d_.parameters)
      if (p.type == Type::uinteger) counts.push_back(p.name);
    for (const Fragment& f : d_.fragments) {
      if (f.repeat.empty()) continue;
      const auto it =
          std::find_if(d_.parameters.begin(), d_.parameters.end(),
                       [&](const Parameter& p) { return p.name == f.repeat; });
      if (it == d_.parameters.end() || it->type != Type::uinteger) {
        diagnostics_.add(f.line, "[[fragment]]: repeat = \"" + f.repeat +
                                     "\" is not a uint parameter of the "
                                     "description" +
                                     suggestion(f.repeat, counts));
      } else if (!it->max || *it->max > 4'096) {
        diagnostics_.add(it->line, "[[parameter]]: \"" + f.repeat +
                                       "\" counts a fragment; give it a "
                                       "\"max\" of at most 4096");
      } else if (!it->default_text && !it->required) {
        diagnostics_.add(it->line, "[[parameter]]: \"" + f.repeat +
                                       "\" counts a fragment; give it a "
                                       "default or required = true");
      }
    }
  }

  void check_target(const Parameter& p, const Target& target) {
    if (target.element.empty()) return;
    if (std::find(elements_.begin(), elements_.end(), target.element) ==
        elements_.end()) {
      diagnostics_.add(target.line, "\"sets\" of " + p.name +
                                        ": no element is named \"" +
                                        target.element + "\"" +
                                        suggestion(target.element, elements_));
    }
    if (!target.field.empty() && target.property != "caps")
      diagnostics_.add(target.line, "\"sets\" of " + p.name +
                                        ": only caps have fields "
                                        "(ELEMENT.caps.FIELD)");
    const bool has_part = target.part == "width" || target.part == "height";
    if (!target.part.empty() && (p.type != Type::size || !has_part))
      diagnostics_.add(
          target.line,
          "\"sets\" of " + p.name + ": a size has the parts width and height");
    for (const auto& [from, to] : target.map) {
      if (p.type != Type::enumeration) break;
      if (std::find(p.choices.begin(), p.choices.end(), from) ==
          p.choices.end())
        diagnostics_.add(target.line, "\"map\" of " + p.name + ": \"" + from +
                                          "\" is none of its choices" +
                                          suggestion(from, p.choices));
    }
  }

  void check_targets() {
    for (const Parameter* p : d_.all_parameters())
      for (const Target& target : p->sets) check_target(*p, target);
  }

  void check_when(const Condition& when, uint32_t line,
                  const std::string& what) {
    if (when.name.empty()) return;
    if (!when.value.empty()) {
      const Choice* choice = d_.find_choice(when.name);
      if (!choice) {
        diagnostics_.add(line, what + ": \"when\" names no choice \"" +
                                   when.name + "\"" +
                                   suggestion(when.name, d_.setting_names()));
      } else if (!choice->find(when.value)) {
        diagnostics_.add(line, what + ": the choice " + when.name +
                                   " has no alternative \"" + when.value +
                                   "\"");
      }
      return;
    }
    const Parameter* p = d_.find_parameter(when.name);
    if (!p || p->type != Type::boolean)
      diagnostics_.add(line, what + ": \"when\" names no bool parameter \"" +
                                 when.name + "\"" +
                                 suggestion(when.name, d_.setting_names()));
  }

  void check_from(const std::string& element, uint32_t line,
                  const std::string& what) {
    if (element.empty()) return;
    if (std::find(elements_.begin(), elements_.end(), element) ==
        elements_.end())
      diagnostics_.add(line, what + ": \"from\": no element is named \"" +
                                 element + "\"" +
                                 suggestion(element, elements_));
  }

  void check_branches() {
    for (const Branch& b : d_.branches) {
      check_when(b.when, b.line, "[[branch]]");
      check_from(b.element, b.line, "[[branch]]");
    }
    for (const Dynamic& dynamic : d_.dynamics) {
      check_when(dynamic.when, dynamic.line, "[[dynamic]]");
      check_from(dynamic.element, dynamic.line, "[[dynamic]]");
      for (const auto& [pattern, text] : dynamic.pads)
        if (std::count(pattern.begin(), pattern.end(), '*') != 1 ||
            pattern.find('*') > pattern.find(' '))
          diagnostics_.add(text.line, "[[dynamic]]: the pad pattern \"" +
                                          pattern +
                                          "\" wants one *, as in \"video_*\"");
    }
  }

  const Description& d_;
  Diagnostics& diagnostics_;
  std::vector<std::string> elements_;
};

}  // namespace

void check_schema(const Description& description, Diagnostics& diagnostics) {
  Checker(description, diagnostics).run();
}

}  // namespace videocall::pipelines
