// SPDX-License-Identifier: MIT
#include "pipelines/parse.h"

#include "pipelines/nearest.h"
#include "pipelines/packages.h"

namespace videocall::pipelines {
namespace {

struct ContextFree {
  void operator()(GstParseContext* context) const {
    gst_parse_context_free(context);
  }
};
using ContextPtr = std::unique_ptr<GstParseContext, ContextFree>;

// The text between the first pair of quotes in |message|: the parser quotes
// the name that it means.
std::string quoted_word(const std::string& message) {
  const size_t begin = message.find('"');
  if (begin == std::string::npos) return "";
  const size_t end = message.find('"', begin + 1);
  if (end == std::string::npos) return "";
  return message.substr(begin + 1, end - begin - 1);
}

std::vector<std::string> properties_of(const std::string& factory) {
  std::vector<std::string> names;
  const ElementPtr element(gst_element_factory_make(factory.c_str(), nullptr));
  if (!element) return names;
  guint count = 0;
  GParamSpec** specs =
      g_object_class_list_properties(G_OBJECT_GET_CLASS(element.get()), &count);
  for (guint i = 0; i < count; ++i) names.emplace_back(specs[i]->name);
  g_free(specs);
  return names;
}

// The parser calls an element missing too when it could not set a property of
// it: then the property is what the message is about.
bool is_installed(const std::string& factory) {
  GstElementFactory* found = gst_element_factory_find(factory.c_str());
  if (found) gst_object_unref(found);
  return found != nullptr;
}

// 'no property "x" in element "y"'
std::string no_property(const std::string& message, const std::string& word) {
  const size_t at = message.rfind("element \"");
  std::string text = "no property \"" + word + "\"";
  if (at == std::string::npos) return text;
  std::string element = message.substr(at + 9);
  element = element.substr(0, element.find('"'));
  text += " in element \"" + element + "\"";
  // An unnamed element is called after its factory with a number behind it.
  while (!is_installed(element) && !element.empty() && element.back() >= '0' &&
         element.back() <= '9')
    element.pop_back();
  return text + suggestion(word, properties_of(element));
}

Error explain(const GError* error, GstParseContext* context,
              ParseFault* fault) {
  const std::string message = error->message;
  std::string word = quoted_word(message);
  gchar** missing = gst_parse_context_get_missing_elements(context);
  const bool is_missing = missing && missing[0] && !is_installed(missing[0]);
  if (is_missing) word = missing[0];
  g_strfreev(missing);
  if (fault) fault->word = word;
  if (is_missing) return {Errc::not_found, missing_element(word)};
  if (error->code == GST_PARSE_ERROR_NO_SUCH_PROPERTY)
    return {Errc::invalid_argument, no_property(message, word)};
  if (error->code == GST_PARSE_ERROR_LINK) {
    return {Errc::invalid_argument,
            message +
                "; do their caps fit, and are pads that are made on "
                "request named (\"tee.src_0 ! mux.sink_0\")?"};
  }
  return {Errc::invalid_argument, message};
}

}  // namespace

Result<ElementPtr> parse_pipeline(const std::string& text,
                                  const std::string& name, ParseFault* fault) {
  const ContextPtr context(gst_parse_context_new());
  GError* raw_error = nullptr;
  GstElement* parsed = gst_parse_launch_full(
      text.c_str(), context.get(), GST_PARSE_FLAG_FATAL_ERRORS, &raw_error);
  const ErrorPtr error(raw_error);
  ElementPtr element(parsed ? GST_ELEMENT(gst_object_ref_sink(parsed))
                            : nullptr);
  if (error) return explain(error.get(), context.get(), fault);
  if (!element)
    return Error{Errc::invalid_argument, "the launch text makes no element"};
  if (GST_IS_PIPELINE(element.get())) {
    gst_object_set_name(GST_OBJECT(element.get()), name.c_str());
    return element;
  }
  // A text of one element gives that element.
  ElementPtr pipeline(
      GST_ELEMENT(gst_object_ref_sink(gst_pipeline_new(name.c_str()))));
  gst_bin_add(GST_BIN(pipeline.get()), element.get());
  return pipeline;
}

Result<ElementPtr> parse_bin(const std::string& text) {
  const ContextPtr context(gst_parse_context_new());
  GError* raw_error = nullptr;
  const int flags = GST_PARSE_FLAG_FATAL_ERRORS | GST_PARSE_FLAG_PLACE_IN_BIN;
  GstElement* parsed =
      gst_parse_launch_full(text.c_str(), context.get(),
                            static_cast<GstParseFlags>(flags), &raw_error);
  const ErrorPtr error(raw_error);
  ElementPtr element(parsed ? GST_ELEMENT(gst_object_ref_sink(parsed))
                            : nullptr);
  if (error) return explain(error.get(), context.get(), nullptr);
  if (!element)
    return Error{Errc::invalid_argument, "the launch text makes no element"};
  if (G_OBJECT_TYPE(element.get()) == GST_TYPE_BIN) return element;
  // A text of one element gives that element.
  ElementPtr bin(GST_ELEMENT(gst_object_ref_sink(gst_bin_new(nullptr))));
  gst_bin_add(GST_BIN(bin.get()), element.get());
  return bin;
}

Result<PadPtr> parse_into(GstBin* bin, const std::string& text) {
  auto inner = parse_bin(text);
  if (!inner) return inner.error();
  gst_bin_add(bin, inner->get());
  PadPtr pad(gst_bin_find_unlinked_pad(GST_BIN(inner->get()), GST_PAD_SINK));
  if (!pad)
    return Error{Errc::invalid_argument,
                 "the launch text has no free sink pad to feed"};
  GstPad* ghost = gst_ghost_pad_new("sink", pad.get());
  gst_element_add_pad(inner->get(), ghost);
  return PadPtr(GST_PAD(gst_object_ref(ghost)));
}

}  // namespace videocall::pipelines
