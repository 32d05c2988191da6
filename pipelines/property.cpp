// SPDX-License-Identifier: MIT
#include "pipelines/property.h"

#include <cmath>
#include <optional>

#include "pipelines/gst_ptr.h"
#include "pipelines/nearest.h"

namespace videocall::pipelines {
namespace {

// A value on its way into a property: its text, and its number if it has one.
struct Item {
  std::string text;
  std::optional<double> number;
};

Item item_of(const Target& target, const Value& value) {
  Item item{value_text(value), std::nullopt};
  if (const Size* size = std::get_if<Size>(&value)) {
    if (target.part == "width") item.number = double(size->width);
    if (target.part == "height") item.number = double(size->height);
  } else if (const int64_t* whole = std::get_if<int64_t>(&value)) {
    item.number = double(*whole);
  } else if (const double* real = std::get_if<double>(&value)) {
    item.number = *real;
  } else if (const bool* yes = std::get_if<bool>(&value)) {
    item.number = *yes ? 1 : 0;
  }
  const auto mapped = target.map.find(item.text);
  if (mapped != target.map.end()) {
    item.text = mapped->second;
    item.number.reset();
  } else if (item.number && !std::holds_alternative<bool>(value)) {
    const double scaled = *item.number * target.scale;
    item.number = scaled;
    item.text = value_text(scaled == std::floor(scaled) ? Value(int64_t(scaled))
                                                        : Value(scaled));
  }
  return item;
}

std::string path_of(GstElement* element, const Target& target) {
  CharPtr name(gst_element_get_name(element));
  return std::string(name.get()) + "." + target.property;
}

class ScopedValue {
 public:
  explicit ScopedValue(GType type) { g_value_init(&value_, type); }
  ~ScopedValue() { g_value_unset(&value_); }
  ScopedValue(const ScopedValue&) = delete;
  ScopedValue& operator=(const ScopedValue&) = delete;
  GValue* get() { return &value_; }

 private:
  GValue value_ = G_VALUE_INIT;
};

template <typename Class>
std::vector<std::string> nicks(const Class* type_class) {
  std::vector<std::string> names;
  for (guint i = 0; i < type_class->n_values; ++i)
    names.emplace_back(type_class->values[i].value_nick);
  return names;
}

Result<void> read_enum(const std::string& path, const Item& item,
                       GValue* value) {
  auto* type_class =
      static_cast<GEnumClass*>(g_type_class_ref(G_VALUE_TYPE(value)));
  const GEnumValue* found =
      g_enum_get_value_by_nick(type_class, item.text.c_str());
  if (!found) found = g_enum_get_value_by_name(type_class, item.text.c_str());
  if (!found && item.number)
    found = g_enum_get_value(type_class, int(*item.number));
  const std::vector<std::string> known = nicks(type_class);
  if (found) g_value_set_enum(value, found->value);
  g_type_class_unref(type_class);
  if (found) return {};
  return Error{Errc::invalid_argument, path + " does not know \"" + item.text +
                                           "\"" + suggestion(item.text, known)};
}

Result<void> read_number(const std::string& path, const Item& item,
                         GParamSpec* spec, GValue* value) {
  double number = 0;
  if (item.number) {
    number = *item.number;
  } else {
    char* end = nullptr;
    number = g_ascii_strtod(item.text.c_str(), &end);
    if (item.text.empty() || *end != '\0')
      return Error{Errc::invalid_argument,
                   path + " wants a number, not \"" + item.text + "\""};
  }
  const GType type = G_VALUE_TYPE(value);
  const bool real = type == G_TYPE_DOUBLE || type == G_TYPE_FLOAT;
  if (!real) number = std::round(number);
  // GStreamer reads the text into the property's own width and refuses what
  // does not fit, where a cast would wrap.
  const std::string text =
      value_text(real ? Value(number) : Value(int64_t(number)));
  const bool fits = gst_value_deserialize(value, text.c_str()) &&
                    !g_param_value_validate(spec, value);
  if (fits) return {};
  return Error{Errc::invalid_argument, path + " does not take " + text +
                                           ": gst-inspect-1.0 shows its range"};
}

Result<void> read_strings(const Item& item, GValue* value) {
  g_value_take_boxed(value, item.text.empty()
                                ? g_new0(char*, 1)
                                : g_strsplit(item.text.c_str(), ",", -1));
  return {};
}

Result<void> read_value(const std::string& path, const Item& item,
                        GParamSpec* spec, GValue* value) {
  const GType type = G_VALUE_TYPE(value);
  if (type == G_TYPE_STRING) {
    g_value_set_string(value, item.text.c_str());
    return {};
  }
  if (type == G_TYPE_STRV) return read_strings(item, value);
  if (G_TYPE_IS_ENUM(type)) return read_enum(path, item, value);
  switch (G_TYPE_FUNDAMENTAL(type)) {
    case G_TYPE_INT:
    case G_TYPE_UINT:
    case G_TYPE_LONG:
    case G_TYPE_ULONG:
    case G_TYPE_INT64:
    case G_TYPE_UINT64:
    case G_TYPE_FLOAT:
    case G_TYPE_DOUBLE:
      return read_number(path, item, spec, value);
    default:
      break;
  }
  if (type == GST_TYPE_FRACTION && item.number) {
    gst_value_set_fraction(value, int(*item.number), 1);
    return {};
  }
  if (gst_value_deserialize_with_pspec(value, item.text.c_str(), spec))
    return {};
  return Error{Errc::invalid_argument, path + " wants a " + g_type_name(type) +
                                           ", not \"" + item.text + "\""};
}

std::vector<std::string> property_names(GstElement* element) {
  guint count = 0;
  GParamSpec** specs =
      g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  std::vector<std::string> names;
  for (guint i = 0; i < count; ++i)
    if (specs[i]->flags & G_PARAM_WRITABLE) names.emplace_back(specs[i]->name);
  g_free(specs);
  return names;
}

std::vector<std::string> field_names(const GstStructure* structure) {
  std::vector<std::string> names;
  for (int i = 0; i < gst_structure_n_fields(structure); ++i)
    names.emplace_back(gst_structure_nth_field_name(structure, guint(i)));
  return names;
}

// The field's type in the launch text is the type that it keeps; a fraction
// takes a whole number as N/1.
Result<void> set_field(const std::string& path, const Item& item,
                       GstStructure* structure, const std::string& field) {
  const GValue* old = gst_structure_get_value(structure, field.c_str());
  if (!old) {
    return Error{Errc::not_found,
                 path + ": the caps in the launch text have no field \"" +
                     field + "\"" + suggestion(field, field_names(structure))};
  }
  ScopedValue value(G_VALUE_TYPE(old));
  if (G_VALUE_TYPE(old) == GST_TYPE_FRACTION && item.number) {
    gst_value_set_fraction(value.get(), int(*item.number), 1);
  } else if (G_VALUE_TYPE(old) == G_TYPE_STRING) {
    g_value_set_string(value.get(), item.text.c_str());
  } else if (!gst_value_deserialize(value.get(), item.text.c_str())) {
    return Error{Errc::invalid_argument, path + "." + field + " wants a " +
                                             G_VALUE_TYPE_NAME(old) +
                                             ", not \"" + item.text + "\""};
  }
  gst_structure_set_value(structure, field.c_str(), value.get());
  return {};
}

Result<void> set_caps_field(GstElement* element, const std::string& path,
                            const Target& target, const Item& item) {
  GstCaps* current = nullptr;
  g_object_get(element, target.property.c_str(), &current, nullptr);
  if (!current)
    return Error{Errc::not_found, path + " has no caps in the launch text"};
  CapsPtr caps(gst_caps_make_writable(current));
  for (guint i = 0; i < gst_caps_get_size(caps.get()); ++i) {
    auto done = set_field(path, item, gst_caps_get_structure(caps.get(), i),
                          target.field);
    if (!done) return done;
  }
  g_object_set(element, target.property.c_str(), caps.get(), nullptr);
  return {};
}

}  // namespace

Result<void> set_property(GstElement* element, const Target& target,
                          const Value& value) {
  const std::string path = path_of(element, target);
  GParamSpec* spec = g_object_class_find_property(G_OBJECT_GET_CLASS(element),
                                                  target.property.c_str());
  if (!spec) {
    GstElementFactory* factory = gst_element_get_factory(element);
    const char* kind = factory ? GST_OBJECT_NAME(factory) : "the element";
    return Error{Errc::not_found,
                 std::string(kind) + " has no property \"" + target.property +
                     "\"" +
                     suggestion(target.property, property_names(element))};
  }
  if (!(spec->flags & G_PARAM_WRITABLE))
    return Error{Errc::invalid_argument, path + " is read-only"};
  const Item item = item_of(target, value);
  if (!target.field.empty()) {
    if (G_PARAM_SPEC_VALUE_TYPE(spec) != GST_TYPE_CAPS)
      return Error{Errc::invalid_argument, path + " is no caps property"};
    return set_caps_field(element, path, target, item);
  }
  ScopedValue converted(G_PARAM_SPEC_VALUE_TYPE(spec));
  auto done = read_value(path, item, spec, converted.get());
  if (!done) return done;
  g_object_set_property(G_OBJECT(element), target.property.c_str(),
                        converted.get());
  return {};
}

}  // namespace videocall::pipelines
