// SPDX-License-Identifier: MIT
#include "cli/info_command.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "cli/devices.h"
#include "cli/exit_code.h"
#include "pipelines/gst_ptr.h"

namespace videocall::cli {
namespace {

using nlohmann::json;
using pipelines::CharPtr;

std::string value_text(const GstStructure* structure, const char* field) {
  const GValue* value = gst_structure_get_value(structure, field);
  if (!value) return "";
  if (G_VALUE_HOLDS_STRING(value)) return g_value_get_string(value);
  return CharPtr(gst_value_serialize(value)).get();
}

struct Format {
  std::string format;  // "YUY2", "image/jpeg", …
  std::string size;
  std::string rates;  // pictures a second, as GStreamer writes them
};

std::vector<Format> formats_of(const Device& device) {
  std::vector<Format> formats;
  if (!device.caps) return formats;
  for (guint i = 0; i < gst_caps_get_size(device.caps.get()); ++i) {
    const GstStructure* s = gst_caps_get_structure(device.caps.get(), i);
    Format format;
    format.format = value_text(s, "format");
    if (format.format.empty()) format.format = gst_structure_get_name(s);
    const std::string width = value_text(s, "width");
    if (!width.empty()) format.size = width + "x" + value_text(s, "height");
    format.rates = value_text(s, "framerate");
    formats.push_back(std::move(format));
  }
  return formats;
}

void print(const json& object) {
  std::printf(
      "%s\n",
      object.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
}

}  // namespace

InfoCommand::InfoCommand(CLI::App& app)
    : app_(app.add_subcommand("info",
                              "Show cameras, microphones and what they can")) {
  app_->add_flag("--list-cameras", cameras_, "The cameras and their numbers");
  app_->add_flag("--list-audio-devices", microphones_,
                 "The microphones and their numbers");
  app_->add_option("--list-formats", formats_of_,
                   "Formats, sizes and rates of one camera")
      ->type_name("CAMERA");
  app_->add_option("--list-resolutions", resolutions_of_, "Sizes of one camera")
      ->type_name("CAMERA");
  app_->add_flag("--json", json_, "One JSON object a line");
  app_->footer(
      "CAMERA is a number of --list-cameras, a path such as /dev/video0, or "
      "part of a name.\n\n"
      "Examples:\n"
      "  videocall-cli info --list-cameras\n"
      "  videocall-cli info --list-formats 0\n\n" +
      std::string(kExitCodeHelp));
}

int InfoCommand::list(const char* device_class) const {
  const std::vector<Device> devices = list_devices(device_class);
  const std::string word = device_word(device_class);
  if (devices.empty() && !json_) {
    // An empty list is a right answer; the hint is for people.
    auto none = find_device(device_class, "0");
    std::fprintf(stderr, "%s\n", none.ok() ? "" : none.error().message.c_str());
    return kOk;
  }
  for (size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    if (json_) {
      print({{"kind", word},
             {"index", i},
             {"name", device.name},
             {"address", device.address},
             {"element", device.factory}});
    } else {
      std::printf("%zu  %s  (%s %s)\n", i, device.name.c_str(),
                  device.factory.c_str(), device.address.c_str());
    }
  }
  return kOk;
}

int InfoCommand::list_formats(const std::string& which,
                              bool resolutions) const {
  auto device = find_device(kCameras, which);
  if (!device) {
    std::fprintf(stderr, "videocall-cli: %s\n", device.error().message.c_str());
    return kNoDevice;
  }
  std::set<std::string> seen;
  for (const Format& format : formats_of(*device)) {
    if (resolutions) {
      if (format.size.empty() || !seen.insert(format.size).second) continue;
      json_ ? print({{"size", format.size}})
            : void(std::printf("%s\n", format.size.c_str()));
    } else if (json_) {
      print({{"format", format.format},
             {"size", format.size},
             {"rates", format.rates}});
    } else {
      std::printf("%-12s %-12s %s\n", format.format.c_str(),
                  format.size.c_str(), format.rates.c_str());
    }
  }
  return kOk;
}

int InfoCommand::run() const {
  if (!cameras_ && !microphones_ && formats_of_.empty() &&
      resolutions_of_.empty()) {
    std::fprintf(stderr,
                 "videocall-cli: say what to show: --list-cameras, "
                 "--list-audio-devices, --list-formats CAMERA or "
                 "--list-resolutions CAMERA\n");
    return kUsage;
  }
  int code = kOk;
  if (cameras_) code = list(kCameras);
  if (microphones_ && code == kOk) code = list(kMicrophones);
  if (!formats_of_.empty() && code == kOk)
    code = list_formats(formats_of_, false);
  if (!resolutions_of_.empty() && code == kOk)
    code = list_formats(resolutions_of_, true);
  return code;
}

}  // namespace videocall::cli
