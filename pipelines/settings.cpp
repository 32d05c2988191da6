// SPDX-License-Identifier: MIT
#include "pipelines/settings.h"

#include <algorithm>

#include "pipelines/nearest.h"

namespace videocall::pipelines {
namespace {

bool owns(const Alternative& alternative, std::string_view parameter) {
  return std::any_of(alternative.parameters.begin(),
                     alternative.parameters.end(),
                     [&](const Parameter& p) { return p.name == parameter; });
}

bool owns(const Choice& choice, std::string_view parameter) {
  return std::any_of(choice.alternatives.begin(), choice.alternatives.end(),
                     [&](const Alternative& a) { return owns(a, parameter); });
}

std::vector<std::string> names_of(
    const std::vector<const Alternative*>& alternatives) {
  std::vector<std::string> names;
  for (const Alternative* a : alternatives) names.push_back(a->name);
  return names;
}

}  // namespace

Result<void> Settings::set(std::string_view name, std::string_view text) {
  if (const Choice* choice = description_.find_choice(name)) {
    if (!choice->find(text)) {
      std::vector<std::string> names;
      for (const Alternative& a : choice->alternatives) names.push_back(a.name);
      return Error{
          Errc::invalid_argument,
          choice->name + ": \"" + std::string(text) + "\" is none of " +
              join(names) +
              (nearest(text, names).empty() ? "" : suggestion(text, names))};
    }
    given_[choice->name] = text;
    return {};
  }
  // A name that several alternatives share may have a range in each: one that
  // takes the value is enough here, the selected one judges in value().
  std::optional<Error> refused;
  bool known = false;
  for (const Parameter* p : description_.all_parameters()) {
    if (p->name != name) continue;
    known = true;
    const auto value = parse_value(*p, text);
    if (value) {
      given_[p->name] = text;
      return {};
    }
    refused = value.error();
  }
  if (known) return *refused;
  const std::vector<std::string> names = description_.setting_names();
  return Error{Errc::not_found, "no parameter \"" + std::string(name) + "\"" +
                                    suggestion(name, names)};
}

const std::string* Settings::given(std::string_view name) const {
  const auto it = given_.find(name);
  return it == given_.end() ? nullptr : &it->second;
}

Result<const Alternative*> Settings::select(const Choice& choice) const {
  std::vector<const Alternative*> open;
  for (const Alternative& a : choice.alternatives) open.push_back(&a);
  const std::string* given_name = given(choice.name);
  std::string because;
  for (const auto& [name, text] : given_) {
    if (!owns(choice, name)) continue;
    std::vector<const Alternative*> left;
    for (const Alternative* a : open)
      if (owns(*a, name)) left.push_back(a);
    if (left.empty()) {
      return Error{Errc::invalid_argument,
                   name + " and " + because +
                       " exclude each other: they are "
                       "parameters of different alternatives of " +
                       choice.name};
    }
    if (given_name && std::find(left.begin(), left.end(),
                                choice.find(*given_name)) == left.end()) {
      return Error{Errc::invalid_argument,
                   name + " has no meaning with " + choice.name + " = " +
                       *given_name + "; it belongs to " + join(names_of(left))};
    }
    open = std::move(left);
    because = name;
  }
  if (given_name) return choice.find(*given_name);
  const Alternative* usual = choice.find(choice.default_name);
  const bool usual_fits =
      std::find(open.begin(), open.end(), usual) != open.end();
  return usual_fits ? usual : open.front();
}

Result<Selection> Settings::selection() const {
  Selection selection;
  for (const Choice& choice : description_.choices) {
    auto alternative = select(choice);
    if (!alternative) return alternative.error();
    selection[choice.name] = *alternative;
  }
  return selection;
}

Result<std::optional<Value>> Settings::value(const Parameter& parameter) const {
  const std::string* text = given(parameter.name);
  if (!text && parameter.default_text) text = &*parameter.default_text;
  if (!text) {
    if (!parameter.required) return std::optional<Value>();
    return Error{Errc::invalid_argument,
                 parameter.name + " is missing: " + parameter.help};
  }
  auto value = parse_value(parameter, *text);
  if (!value) return value.error();
  return std::optional<Value>(std::move(*value));
}

std::vector<const Parameter*> Settings::effective(
    const Selection& selection) const {
  std::vector<const Parameter*> parameters;
  for (const Parameter& p : description_.parameters) parameters.push_back(&p);
  for (const Choice& choice : description_.choices) {
    const auto it = selection.find(choice.name);
    if (it == selection.end()) continue;
    for (const Parameter& p : it->second->parameters) parameters.push_back(&p);
  }
  return parameters;
}

Result<void> Settings::complete() const {
  const auto selected = selection();
  if (!selected) return selected.error();
  for (const Parameter* parameter : effective(*selected)) {
    const auto given_value = value(*parameter);
    if (!given_value) return given_value.error();
  }
  return {};
}

Result<bool> Settings::holds(const Condition& when,
                             const Selection& selection) const {
  if (when.name.empty()) return true;
  if (!when.value.empty()) {
    const auto it = selection.find(when.name);
    return it != selection.end() && it->second->name == when.value;
  }
  const Parameter* parameter = description_.find_parameter(when.name);
  if (!parameter) return false;
  auto wanted = value(*parameter);
  if (!wanted) return wanted.error();
  const bool* yes = *wanted ? std::get_if<bool>(&**wanted) : nullptr;
  return yes && *yes;
}

}  // namespace videocall::pipelines
