// SPDX-License-Identifier: MIT
// videocall://HOST[:PORT][/PATH]/MEETING?user=…&display-name=… names a meeting
// on a server that is asked over http, videocalls:// over https.
#pragma once

#include <optional>
#include <string>

namespace videocall::gst {

struct MeetingUri {
  std::string location;  // http(s)://HOST[:PORT][/PATH]
  std::string meeting;
  std::string user;          // empty: not said
  std::string display_name;  // empty: not said

  bool operator==(const MeetingUri&) const = default;
};

// Nothing if |uri| is none; |why| then says what is wrong with it.
std::optional<MeetingUri> parse_meeting_uri(const std::string& uri,
                                            std::string& why);

// Empty without a location or meeting.
std::string format_meeting_uri(const MeetingUri& parts);

}  // namespace videocall::gst
