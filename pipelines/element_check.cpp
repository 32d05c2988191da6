// SPDX-License-Identifier: MIT
#include "pipelines/element_check.h"

#include <gst/gst.h>

#include <map>

#include "pipelines/diagnostics.h"
#include "pipelines/gst_ptr.h"
#include "pipelines/launch.h"
#include "pipelines/nearest.h"
#include "pipelines/packages.h"

namespace videocall::pipelines {
namespace {

std::vector<std::string> property_names(GstElement* element) {
  guint count = 0;
  GParamSpec** specs =
      g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  std::vector<std::string> names;
  for (guint i = 0; i < count; ++i) names.emplace_back(specs[i]->name);
  g_free(specs);
  return names;
}

void check_target(const Parameter& parameter, const Target& target,
                  GstElement* element, Diagnostics& diagnostics) {
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element),
                                   target.property.c_str()))
    return;
  GstElementFactory* factory = gst_element_get_factory(element);
  diagnostics.add(target.line,
                  "parameter " + parameter.name + ": " +
                      GST_OBJECT_NAME(factory) + " has no property \"" +
                      target.property + "\"" +
                      suggestion(target.property, property_names(element)));
}

}  // namespace

Result<void> check_elements(const Description& description) {
  Diagnostics diagnostics(description.file);
  // Several alternatives may give one name to different elements.
  std::multimap<std::string, ElementPtr> elements;
  for (const LaunchText* launch : description.launch_texts()) {
    for (const std::string& factory : factories(launch->text)) {
      const ElementPtr made(gst_element_factory_make(factory.c_str(), nullptr));
      if (!made)
        diagnostics.add(line_of_word(description, factory, launch->line),
                        missing_element(factory));
    }
    for (const NamedElement& named : named_elements(launch->text)) {
      GstElement* made =
          gst_element_factory_make(named.factory.c_str(), nullptr);
      if (made)
        elements.emplace(named.name, GST_ELEMENT(gst_object_ref_sink(made)));
    }
  }
  for (const Parameter* parameter : description.all_parameters())
    for (const Target& target : parameter->sets) {
      const auto range = elements.equal_range(target.element);
      for (auto it = range.first; it != range.second; ++it)
        check_target(*parameter, target, it->second.get(), diagnostics);
    }
  if (diagnostics.empty()) return {};
  return diagnostics.error();
}

}  // namespace videocall::pipelines
