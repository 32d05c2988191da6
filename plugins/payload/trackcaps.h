// SPDX-License-Identifier: MIT
// Caps of a remote track, made from what the wire says of it.
#pragma once

#include <string_view>

#include "plugins/common/gstptr.h"

namespace videocall::gst {

// |codec| is a WebCodecs codec string; width and height are 0 where they are
// not known. nullptr if the codec is none of the contract's.
CapsPtr track_caps(std::string_view codec, guint width, guint height);

}  // namespace videocall::gst
