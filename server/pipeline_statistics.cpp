// SPDX-License-Identifier: MIT
#include "server/pipeline_statistics.h"

#include <memory>
#include <set>
#include <string>
#include <utility>

namespace videocall::server {
namespace {

// Properties that name what several elements share.
constexpr const char* kShared[] = {"endpoint", "connection"};

struct StructureFree {
  void operator()(GstStructure* structure) const {
    gst_structure_free(structure);
  }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

std::vector<uint64_t> list_field(const GstStructure* structure,
                                 const char* field) {
  std::vector<uint64_t> numbers;
  const GValue* list = gst_structure_get_value(structure, field);
  if (list == nullptr || !GST_VALUE_HOLDS_LIST(list)) return numbers;
  const guint size = gst_value_list_get_size(list);
  for (guint i = 0; i < size; ++i) {
    const GValue* value = gst_value_list_get_value(list, i);
    if (G_VALUE_HOLDS_UINT64(value))
      numbers.push_back(g_value_get_uint64(value));
  }
  return numbers;
}

bool read_histogram(const GstStructure* structure, MetricHistogram& out) {
  guint64 sum = 0;
  gst_structure_get_uint64(structure, "sum-ns", &sum);
  for (const uint64_t bound : list_field(structure, "bounds-ns"))
    out.bounds.push_back(static_cast<double>(bound) / 1e9);
  out.counts = list_field(structure, "counts");
  out.sum = static_cast<double>(sum) / 1e9;
  return !out.bounds.empty() && out.counts.size() == out.bounds.size() + 1;
}

gboolean read_field(GQuark id, const GValue* value, gpointer data) {
  auto& out = *static_cast<Statistics*>(data);
  const char* name = g_quark_to_string(id);
  GValue number = G_VALUE_INIT;
  g_value_init(&number, G_TYPE_DOUBLE);
  if (GST_VALUE_HOLDS_STRUCTURE(value)) {
    MetricHistogram histogram;
    if (read_histogram(gst_value_get_structure(value), histogram))
      out.histograms.emplace(name, std::move(histogram));
  } else if (G_VALUE_HOLDS_BOOLEAN(value)) {
    out.numbers.emplace(name, g_value_get_boolean(value) ? 1 : 0);
  } else if (!G_VALUE_HOLDS_STRING(value) &&
             g_value_transform(value, &number)) {
    out.numbers.emplace(name, g_value_get_double(&number));
  }
  g_value_unset(&number);
  return TRUE;
}

StructurePtr stats_of(GstElement* element) {
  const GParamSpec* spec =
      g_object_class_find_property(G_OBJECT_GET_CLASS(element), "stats");
  if (spec == nullptr || spec->value_type != GST_TYPE_STRUCTURE ||
      (spec->flags & G_PARAM_READABLE) == 0)
    return nullptr;
  GstStructure* structure = nullptr;
  g_object_get(element, "stats", &structure, nullptr);
  return StructurePtr(structure);
}

// Elements with the same key count together.
std::pair<std::string, std::string> key_of(GstElement* element,
                                           const GstStructure* stats) {
  for (const char* name : kShared) {
    const GParamSpec* spec =
        g_object_class_find_property(G_OBJECT_GET_CLASS(element), name);
    if (spec == nullptr || spec->value_type != G_TYPE_STRING ||
        (spec->flags & G_PARAM_READABLE) == 0)
      continue;
    gchar* value = nullptr;
    g_object_get(element, name, &value, nullptr);
    const std::string shared = value == nullptr ? "" : value;
    g_free(value);
    if (!shared.empty()) return {gst_structure_get_name(stats), shared};
  }
  return {gst_structure_get_name(stats), GST_ELEMENT_NAME(element)};
}

}  // namespace

Statistics read_statistics(const GstStructure* structure) {
  Statistics out;
  out.part = gst_structure_get_name(structure);
  gst_structure_foreach(structure, read_field, &out);
  return out;
}

std::vector<Statistics> read_pipeline_statistics(GstElement* pipeline) {
  std::vector<Statistics> all;
  std::set<std::pair<std::string, std::string>> seen;
  GstIterator* iterator = gst_bin_iterate_recurse(GST_BIN(pipeline));
  GValue item = G_VALUE_INIT;
  bool more = true;
  while (more) {
    switch (gst_iterator_next(iterator, &item)) {
      case GST_ITERATOR_OK: {
        auto* element = static_cast<GstElement*>(g_value_get_object(&item));
        if (const StructurePtr stats = stats_of(element))
          if (seen.insert(key_of(element, stats.get())).second)
            all.push_back(read_statistics(stats.get()));
        g_value_reset(&item);
        break;
      }
      case GST_ITERATOR_RESYNC:
        all.clear();
        seen.clear();
        gst_iterator_resync(iterator);
        break;
      default:
        more = false;
        break;
    }
  }
  g_value_unset(&item);
  gst_iterator_free(iterator);
  return all;
}

}  // namespace videocall::server
