// SPDX-License-Identifier: MIT
// Why a session ends: the code of the WebTransport CLOSE capsule, and of a
// WebSocket close as 4000 + code (docs/wire-protocol.md, section 2).
#pragma once

#include <cstdint>
#include <string_view>

namespace videocall {

enum class CloseCode : uint32_t {
  left = 0,            // the person left
  meeting_ended = 1,   // the host ended the meeting
  removed = 2,         // a host removed the person
  protocol_error = 3,  // the contract was broken
  overload = 4,        // the server cannot serve this session
  draining = 5,        // come back at once
  superseded = 6,      // resumed elsewhere, or the other transport won
  idle = 7,            // 30 s without any packet
};

constexpr std::string_view to_string(CloseCode code) {
  switch (code) {
    case CloseCode::left:
      return "left";
    case CloseCode::meeting_ended:
      return "meeting-ended";
    case CloseCode::removed:
      return "removed";
    case CloseCode::protocol_error:
      return "protocol-error";
    case CloseCode::overload:
      return "overload";
    case CloseCode::draining:
      return "draining";
    case CloseCode::superseded:
      return "superseded";
    case CloseCode::idle:
      return "idle";
  }
  return "unknown";
}

// Whether a client may resume, and the relay keeps its place for
// limits::kResumeWindow: all but left, ended, removed, refused, superseded.
constexpr bool is_resumable(CloseCode code) {
  return code == CloseCode::overload || code == CloseCode::draining ||
         code == CloseCode::idle || code > CloseCode::idle;
}

}  // namespace videocall
