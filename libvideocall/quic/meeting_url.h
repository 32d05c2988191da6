// SPDX-License-Identifier: MIT
// The URL of a meeting, docs/wire-protocol.md section 2:
// https://HOST:PORT/meet/MEETING-ID?token=TOKEN&v=1&resume=SECRET
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/base/result.h"

namespace videocall::quic {

// What a server reads from the :path of a CONNECT. On refusal |status| is the
// HTTP status and |reason| says why, without repeating the query.
struct VIDEOCALL_API MeetingPath {
  int status = 200;
  std::string reason;
  std::string meeting_id;
  std::string token;   // percent-decoded; never log it
  std::string resume;  // base64url; may be empty

  static MeetingPath parse(std::string_view path);
};

// What a client needs of its URL.
struct VIDEOCALL_API MeetingUrl {
  std::string host;  // without brackets
  uint16_t port = 443;
  bool secure = true;          // https or wss
  std::string authority;       // host:port as in the URL
  std::string path_and_query;  // never log it

  // Fails with Errc::invalid_argument on anything but https://HOST[:PORT]/...;
  // the message does not repeat the URL.
  static Result<MeetingUrl> parse(std::string_view url);
  // The same for ws://HOST[:PORT]/... and wss://, of a WebSocket.
  static Result<MeetingUrl> parse_websocket(std::string_view url);

 private:
  static Result<MeetingUrl> parse_rest(std::string_view url,
                                       uint16_t default_port);
};

}  // namespace videocall::quic
