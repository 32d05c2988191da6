// SPDX-License-Identifier: MIT
#include "pipelines/apply.h"

#include "pipelines/diagnostics.h"
#include "pipelines/gst_ptr.h"
#include "pipelines/property.h"

namespace videocall::pipelines {
namespace {

// The names that a target means: one, or one for each repetition.
std::vector<std::string> element_names(const Description& description,
                                       const Counts& counts,
                                       const std::string& pattern) {
  if (pattern.find("{index}") == std::string::npos) return {pattern};
  std::vector<std::string> names;
  for (const Fragment& fragment : description.fragments) {
    const auto count = counts.find(fragment.name);
    if (count == counts.end()) continue;
    for (const NamedElement& element : named_elements(fragment.launch.text)) {
      if (element.name != pattern) continue;
      for (uint64_t i = 0; i < count->second; ++i)
        names.push_back(fill(pattern, {{"index", std::to_string(i)}}));
    }
  }
  return names;
}

}  // namespace

Result<size_t> apply(GstElement* bin, const Description& description,
                     const Counts& counts, const Parameter& parameter,
                     const Value& value) {
  size_t found = 0;
  for (const Target& target : parameter.sets) {
    for (const std::string& name :
         element_names(description, counts, target.element)) {
      const ElementPtr element(gst_bin_get_by_name(GST_BIN(bin), name.c_str()));
      if (!element) continue;
      auto done = set_property(element.get(), target, value);
      if (!done)
        return fault_at(
            description.file, target.line,
            "parameter " + parameter.name + ": " + done.error().message,
            done.error().code);
      ++found;
    }
  }
  return found;
}

}  // namespace videocall::pipelines
