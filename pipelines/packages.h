// SPDX-License-Identifier: MIT
// Where a missing element is to be had.
#pragma once

#include <string>
#include <string_view>

namespace videocall::pipelines {

// The Debian package that usually has the element, empty if not known.
[[nodiscard]] std::string package_of(std::string_view factory);

// "no element "vp8encc"; did you mean "vp8enc"?" or "no element "x264enc";
// install gstreamer1.0-plugins-ugly". Asks the registry for near names.
[[nodiscard]] std::string missing_element(std::string_view factory);

}  // namespace videocall::pipelines
