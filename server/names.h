// SPDX-License-Identifier: MIT
// What names may look like: of meetings, people, and what people call
// themselves (docs/wire-protocol.md).
#pragma once

#include <string_view>

namespace videocall::server {

// 1 to 255 of A-Z a-z 0-9 _ -.
bool is_meeting_id(std::string_view id);

// 1 to 64 bytes of valid UTF-8 without control characters.
bool is_user_id(std::string_view id);

// 1 to 128 bytes of valid UTF-8 without control characters, and not only
// spaces.
bool is_display_name(std::string_view name);

}  // namespace videocall::server
