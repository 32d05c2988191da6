// SPDX-License-Identifier: MIT
#include "cli/trouble.h"

#include <algorithm>
#include <cctype>
#include <cstring>

#include "pipelines/gst_ptr.h"

namespace videocall::cli {
namespace {

using pipelines::CharPtr;
using pipelines::ErrorPtr;

std::string lower(std::string text) {
  for (char& c : text) c = char(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool has(const std::string& text, const char* word) {
  return text.find(word) != std::string::npos;
}

GstElementFactory* factory_of(GstMessage* message) {
  GstObject* source = GST_MESSAGE_SRC(message);
  return GST_IS_ELEMENT(source) ? gst_element_get_factory(GST_ELEMENT(source))
                                : nullptr;
}

std::string factory_name(GstMessage* message) {
  GstElementFactory* factory = factory_of(message);
  return factory ? GST_OBJECT_NAME(factory) : "";
}

bool is_source_of(GstMessage* message, const char* medium) {
  GstElementFactory* factory = factory_of(message);
  const char* klass = factory ? gst_element_factory_get_metadata(
                                    factory, GST_ELEMENT_METADATA_KLASS)
                              : nullptr;
  return klass && std::strstr(klass, "Source") && std::strstr(klass, medium);
}

bool speaks_to_server(GstMessage* message) {
  for (GstObject* object = GST_MESSAGE_SRC(message); object;
       object = GST_OBJECT_PARENT(object)) {
    if (!GST_IS_ELEMENT(object)) continue;
    GstElementFactory* factory = gst_element_get_factory(GST_ELEMENT(object));
    if (!factory) continue;
    const std::string name = GST_OBJECT_NAME(factory);
    if (name == "videocallsink" || name == "videocallsrc" ||
        name.rfind("webtransport", 0) == 0 || name.rfind("websocket", 0) == 0)
      return true;
  }
  return false;
}

Trouble device_trouble(const std::string& word, const std::string& reason) {
  const bool camera = word == "camera";
  return {kNoDevice,
          "the " + word + " cannot be used: " + reason + ". " +
              (camera ? "Is another program using it? videocall-cli info "
                        "--list-cameras shows what there is, --list-formats N "
                        "what it can do; --video pattern needs none"
                      : "videocall-cli info --list-audio-devices shows what "
                        "there is; --audio none needs none")};
}

Trouble server_trouble(const GError* error, const std::string& text) {
  if (is_about_certificates(text))
    return trouble_of_session("refused", text, "");
  if (error->domain == GST_RESOURCE_ERROR &&
      error->code == GST_RESOURCE_ERROR_NOT_AUTHORIZED)
    return {kRefused, text};
  if (error->domain == GST_RESOURCE_ERROR &&
      error->code == GST_RESOURCE_ERROR_SETTINGS)
    return {kUsage, text};
  if (error->domain == GST_RESOURCE_ERROR)
    return trouble_of_session("refused", text, "unreachable");
  return {kPipeline, text};
}

}  // namespace

bool is_about_certificates(const std::string& text) {
  const std::string words = lower(text);
  return has(words, "certificate");
}

Trouble trouble_of(GstMessage* message) {
  GError* raw_error = nullptr;
  char* raw_debug = nullptr;
  gst_message_parse_error(message, &raw_error, &raw_debug);
  const ErrorPtr error(raw_error);
  const CharPtr debug(raw_debug);
  std::string text = error->message;
  while (!text.empty() && (text.back() == '.' || text.back() == '\n'))
    text.pop_back();
  if (speaks_to_server(message)) return server_trouble(error.get(), text);
  const bool resource = error->domain == GST_RESOURCE_ERROR;
  if (is_source_of(message, "Video") && resource)
    return device_trouble("camera", text);
  if (is_source_of(message, "Audio") && resource)
    return device_trouble("microphone", text);
  const std::string factory = factory_name(message);
  std::string where = GST_MESSAGE_SRC_NAME(message);
  if (!factory.empty() && factory != where) where += " (" + factory + ")";
  text = where + ": " + text;
  // GStreamer's own words of the cause are in the debug text's last line.
  if (debug) {
    const std::string details = debug.get();
    const size_t last = details.rfind('\n');
    if (last != std::string::npos && last + 1 < details.size())
      text += ": " + details.substr(last + 1);
  }
  return {kPipeline, text};
}

Trouble trouble_of_session(const std::string& state, const std::string& reason,
                           const std::string& code) {
  const std::string why = reason.empty() ? code : reason;
  // The session's own words often hold the remedy already.
  const bool advised = has(why, "?") || has(why, "insecure-skip-verify");
  const auto with = [&](const char* remedy) {
    return advised ? why : why + ". " + remedy;
  };
  if (is_about_certificates(code) || is_about_certificates(reason))
    return {kCertificate, with(kCertificateRemedy)};
  if (code == "bad-location") return {kUsage, why};
  if (code == "unreachable" || code == "timeout" || code == "idle")
    return {kUnreachable, with(kServerRemedy)};
  if (state == "refused") return {kRefused, "the server refused: " + why};
  if (code == "removed") return {kRefused, "removed from the meeting: " + why};
  if (code == "protocol-error")
    return {kPipeline, "the session ended, protocol error: " + why};
  return {kOk, "the session ended" + (why.empty() ? "" : ": " + why)};
}

Trouble trouble_of_settings(const Error& error) {
  return {kUsage, error.message + " (--help shows every flag)"};
}

Trouble trouble_of_build(const Error& error) {
  return {error.code == Errc::not_found ? kPipeline : kDescription,
          error.message};
}

}  // namespace videocall::cli
