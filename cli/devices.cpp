// SPDX-License-Identifier: MIT
#include "cli/devices.h"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace videocall::cli {
namespace {

using pipelines::CharPtr;
using pipelines::ElementPtr;
using pipelines::ObjectPtr;

struct StructureFree {
  void operator()(GstStructure* structure) const {
    gst_structure_free(structure);
  }
};
using StructurePtr = std::unique_ptr<GstStructure, StructureFree>;

bool is_monitor(GstDevice* device) {
  const StructurePtr details(gst_device_get_properties(device));
  if (!details) return false;
  const char* kind = gst_structure_get_string(details.get(), "device.class");
  gboolean monitor = FALSE;
  gst_structure_get_boolean(details.get(), "is-monitor", &monitor);
  return monitor || (kind && std::strcmp(kind, "monitor") == 0);
}

Device describe(GstDevice* device) {
  Device out;
  out.name = CharPtr(gst_device_get_display_name(device)).get();
  out.caps.reset(gst_device_get_caps(device));
  // The provider makes the element that fits, with its address set.
  GstElement* made = gst_device_create_element(device, nullptr);
  if (!made) return out;
  const ElementPtr element(GST_ELEMENT(gst_object_ref_sink(made)));
  if (GstElementFactory* factory = gst_element_get_factory(made))
    out.factory = GST_OBJECT_NAME(factory);
  GParamSpec* spec =
      g_object_class_find_property(G_OBJECT_GET_CLASS(made), "device");
  if (!spec || G_PARAM_SPEC_VALUE_TYPE(spec) != G_TYPE_STRING) return out;
  char* address = nullptr;
  g_object_get(made, "device", &address, nullptr);
  if (address) out.address = CharPtr(address).get();
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = char(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

Error none_found(const char* device_class) {
  if (std::strcmp(device_class, kCameras) == 0) {
    return {Errc::not_found,
            "no camera was found. Is it plugged in, and may you read "
            "/dev/video* (group \"video\")? Without a camera: --video pattern, "
            "or --video-file FILE"};
  }
  return {Errc::not_found,
          "no microphone was found. Is one plugged in and PulseAudio or "
          "PipeWire running? Without one: --audio tone, --audio-file FILE, or "
          "--audio none"};
}

}  // namespace

std::string device_word(std::string_view device_class) {
  return device_class == kCameras ? "camera" : "microphone";
}

std::vector<Device> list_devices(const char* device_class) {
  std::vector<Device> devices;
  GstDeviceMonitor* monitor = gst_device_monitor_new();
  const ObjectPtr held(GST_OBJECT(monitor));
  gst_device_monitor_add_filter(monitor, device_class, nullptr);
  if (!gst_device_monitor_start(monitor)) return devices;
  GList* found = gst_device_monitor_get_devices(monitor);
  for (GList* item = found; item; item = item->next) {
    auto* device = GST_DEVICE(item->data);
    if (!is_monitor(device)) devices.push_back(describe(device));
  }
  g_list_free_full(found, gst_object_unref);
  gst_device_monitor_stop(monitor);
  return devices;
}

Result<Device> find_device(const char* device_class, std::string_view text) {
  std::vector<Device> devices = list_devices(device_class);
  if (devices.empty()) return none_found(device_class);
  const bool number =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return std::isdigit(static_cast<unsigned char>(c));
      });
  if (number && text.size() < 6) {
    const size_t index = std::stoul(std::string(text));
    if (index < devices.size()) return std::move(devices[index]);
  }
  for (Device& device : devices)
    if (device.address == text) return std::move(device);
  if (!number && !text.empty()) {
    for (Device& device : devices)
      if (lower(device.name).find(lower(text)) != std::string::npos)
        return std::move(device);
  }
  std::string known;
  for (size_t i = 0; i < devices.size(); ++i)
    known += "\n  " + std::to_string(i) + "  " + devices[i].name;
  return Error{Errc::not_found, "no " + device_word(device_class) + " \"" +
                                    std::string(text) +
                                    "\"; there are:" + known};
}

}  // namespace videocall::cli
