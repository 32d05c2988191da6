// SPDX-License-Identifier: MIT
#include "libvideocall/client/join.h"

namespace videocall::client {
namespace {

std::string with_cause(std::string text, const std::string& cause) {
  if (!cause.empty()) text += ": " + cause;
  if (text.back() != '.') text += '.';
  return text;
}

// Whether the same request may be answered otherwise in a while.
bool is_passing(int status) {
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

}  // namespace

Verdict judge(const JoinFailure& failure, const std::string& location) {
  const std::string& cause = failure.message;
  if (failure.bad_certificate)
    return {true,
            with_cause("The certificate of " + location + " is not trusted",
                       cause) +
                " For a server of your own, set insecure-skip-verify."};
  if (failure.code == kBadLocation)
    return {true, location +
                      " is no http:// or https:// address, such as "
                      "http://localhost:8080."};
  const bool fatal = !is_passing(failure.status);
  switch (failure.status) {
    case 0:
      return {false, with_cause("Cannot reach " + location, cause) +
                         " Is the server running, and is the address right?"};
    case 401:
      return {fatal, with_cause("The server wants you to sign in", cause)};
    case 403:
      return {fatal, with_cause("You may not join this meeting", cause)};
    case 404:
      return {fatal, with_cause("There is no such meeting at " + location +
                                    ", or it is no videocall server",
                                cause)};
    case 405:
    case 501:
      return {true, with_cause(location + " is no videocall server", cause) +
                        " Is the address right?"};
    case 429:
      return {fatal, with_cause("The server asks to try less often", cause)};
    case 503:
      return {fatal, with_cause("The server takes nobody right now", cause)};
    default:
      return {fatal,
              with_cause("The server answered the join with HTTP status " +
                             std::to_string(failure.status),
                         cause)};
  }
}

Verdict judge_connect(int status, const std::string& reason) {
  switch (status) {
    case 0:
      if (reason.find("ertificate") != std::string::npos)
        return {false, with_cause("The certificate of the server's "
                                  "WebTransport is not accepted",
                                  reason)};
      return {false, with_cause("The server's WebTransport address does not "
                                "answer",
                                reason) +
                         " Is its UDP port open?"};
    case 401:
      return {false, with_cause("The token was not accepted", reason)};
    case 403:
      return {true, with_cause("You may not join this meeting", reason)};
    case 404:
      return {true, with_cause("There is no such meeting", reason)};
    default:
      return {!is_passing(status),
              with_cause("The server refused the connection with HTTP status " +
                             std::to_string(status),
                         reason)};
  }
}

}  // namespace videocall::client
