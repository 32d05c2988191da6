// SPDX-License-Identifier: MIT
// What `videocalld check-config` looks at beyond the keys themselves.
#pragma once

#include "server/configuration.h"

namespace videocall::server {

// Whether the files that |configuration| names can be used: certificates with
// their keys, and the pipeline description with its elements. |configuration|
// was checked, GStreamer is initialized. Takes none of the configured ports
// and writes nothing.
// Errors: the line that a start would end with.
Result<void> check_files(const Configuration& configuration);

}  // namespace videocall::server
