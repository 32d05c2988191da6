// SPDX-License-Identifier: MIT
// What a client learns from POST /api/v1/meetings/{id}/join, and what it makes
// of a failure. The call itself is its owner's (plugins/common/joinrequest.h).
#pragma once

#include <string>
#include <vector>

#include "libvideocall/base/export.h"
#include "libvideocall/base/time.h"

namespace videocall::client {

struct Transport {
  std::string kind;                             // "webtransport", "websocket"
  std::string url;                              // complete but for the token
  std::vector<std::string> certificate_hashes;  // base64 of SHA-256
};

struct JoinAnswer {
  std::string user_id;
  std::string display_name;
  std::string status;  // "admitted"; others wait or were rejected
  std::string token;   // never logged
  std::string e2ee;    // "off", "optional", "required"
  bool is_host = false;
  std::vector<Transport> transports;  // in order of preference
};

// JoinFailure::code if the location is no address of a server.
inline constexpr char kBadLocation[] = "bad-location";

struct JoinFailure {
  int status = 0;                // HTTP; 0: there was no answer
  std::string code;              // of the API, may be empty
  std::string message;           // of the API, or of the system
  bool bad_certificate = false;  // of the HTTP server
};

struct Verdict {
  bool fatal = false;   // trying again would not help
  std::string message;  // one sentence for a person, with the remedy
};

// |location| is the server's URL as the user gave it.
VIDEOCALL_API Verdict judge(const JoinFailure& failure,
                            const std::string& location);

// The same for a refused CONNECT: |status| of HTTP, 0 if there was no
// connection; a status of 401 is worth a new token, and fatal after some.
VIDEOCALL_API Verdict judge_connect(int status, const std::string& reason);

}  // namespace videocall::client
