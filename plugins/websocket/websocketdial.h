// SPDX-License-Identifier: MIT
// The way of a client to an open WebSocket: name, TCP, TLS, the HTTP request
// that becomes one (RFC 6455, section 4.1). Asynchronous, in the thread-default
// main context of the thread that makes it, and of that thread alone.
//
// libsoup's own client would hide the stream below its WebSocket.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <memory>
#include <string>

#include "libvideocall/quic/meeting_url.h"

namespace videocall::websocket {

class Dial {
 public:
  struct Outcome {
    GIOStream* stream = nullptr;  // transfer full; nullptr: refused
    int status = 0;               // of HTTP; 0: there was no answer
    std::string reason;
  };
  struct Options {
    quic::MeetingUrl url;
    bool insecure_skip_verify = false;
    std::string client_name;
  };
  // |done| is called once, not before this returns; never after destruction.
  Dial(Options options, std::function<void(Outcome)> done);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

  // Gives up. What was under way ends in the main context soon; busy() until
  // then.
  void cancel();
  bool busy() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace videocall::websocket
