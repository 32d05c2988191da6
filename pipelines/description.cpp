// SPDX-License-Identifier: MIT
#include "pipelines/description.h"

#include <algorithm>

namespace videocall::pipelines {
namespace {

template <typename T>
const T* find_by_name(const std::vector<T>& items, std::string_view name) {
  for (const T& item : items)
    if (item.name == name) return &item;
  return nullptr;
}

}  // namespace

std::string_view type_name(Type type) {
  switch (type) {
    case Type::string:
      return "string";
    case Type::integer:
      return "int";
    case Type::uinteger:
      return "uint";
    case Type::boolean:
      return "bool";
    case Type::number:
      return "number";
    case Type::enumeration:
      return "enum";
    case Type::size:
      return "size";
    case Type::file:
      return "file";
    case Type::secret:
      return "secret";
    case Type::url:
      return "url";
  }
  return "";
}

const Alternative* Choice::find(std::string_view alternative) const {
  return find_by_name(alternatives, alternative);
}

const Choice* Description::find_choice(std::string_view choice) const {
  return find_by_name(choices, choice);
}

const Fragment* Description::find_fragment(std::string_view fragment) const {
  return find_by_name(fragments, fragment);
}

const Parameter* Description::find_parameter(std::string_view parameter) const {
  for (const Parameter* p : all_parameters())
    if (p->name == parameter) return p;
  return nullptr;
}

std::vector<const Parameter*> Description::all_parameters() const {
  std::vector<const Parameter*> all;
  const auto add = [&](const std::vector<Parameter>& some) {
    for (const Parameter& p : some) all.push_back(&p);
  };
  add(parameters);
  for (const Choice& choice : choices)
    for (const Alternative& a : choice.alternatives) add(a.parameters);
  for (const Branch& branch : branches) add(branch.parameters);
  for (const Dynamic& dynamic : dynamics) add(dynamic.parameters);
  return all;
}

std::vector<std::string> Description::setting_names() const {
  std::vector<std::string> names;
  for (const Choice& choice : choices) names.push_back(choice.name);
  for (const Parameter* p : all_parameters())
    if (std::find(names.begin(), names.end(), p->name) == names.end())
      names.push_back(p->name);
  return names;
}

std::vector<const LaunchText*> Description::launch_texts() const {
  std::vector<const LaunchText*> texts = {&launch};
  for (const Choice& choice : choices) {
    for (const Alternative& a : choice.alternatives) {
      texts.push_back(&a.launch);
      for (const auto& [part, text] : a.parts) texts.push_back(&text);
    }
  }
  for (const Fragment& fragment : fragments) texts.push_back(&fragment.launch);
  for (const Branch& branch : branches) texts.push_back(&branch.launch);
  for (const Dynamic& dynamic : dynamics) {
    texts.push_back(&dynamic.launch);
    for (const auto& [pattern, text] : dynamic.pads) texts.push_back(&text);
  }
  return texts;
}

}  // namespace videocall::pipelines
