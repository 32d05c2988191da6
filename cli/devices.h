// SPDX-License-Identifier: MIT
// Cameras and microphones, as GStreamer's device providers see them.
#pragma once

#include <gst/gst.h>

#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"
#include "pipelines/gst_ptr.h"

namespace videocall::cli {

inline constexpr char kCameras[] = "Video/Source";
inline constexpr char kMicrophones[] = "Audio/Source";

struct Device {
  std::string name;     // as the system shows it
  std::string address;  // what the element's "device" property takes
  std::string factory;  // the element that opens it: v4l2src, pulsesrc, …
  pipelines::CapsPtr caps;
};

// Devices of a class, in the order that the indices of --list-cameras and
// --video-device-index count. A sound card's monitor (what it plays) is no
// microphone and is left out.
[[nodiscard]] std::vector<Device> list_devices(const char* device_class);

// The device that |text| means: an index, an address ("/dev/video2"), or part
// of a name. Errors: not_found, with what there is and what to do.
[[nodiscard]] Result<Device> find_device(const char* device_class,
                                         std::string_view text);

// "camera" or "microphone".
[[nodiscard]] std::string device_word(std::string_view device_class);

}  // namespace videocall::cli
