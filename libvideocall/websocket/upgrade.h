// SPDX-License-Identifier: MIT
// The opening handshake of a WebSocket, client side (RFC 6455, section 4.1):
// what is asked, and what the answer says. Sans-I/O.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "libvideocall/base/export.h"
#include "libvideocall/quic/meeting_url.h"
#include "libvideocall/wire/packet.h"

namespace videocall::websocket {

// The Sec-WebSocket-Accept that answers |key| (section 1.3); empty if there is
// no SHA-1.
VIDEOCALL_API std::string accept_of(std::string_view key);

class VIDEOCALL_API Upgrade {
 public:
  using Nonce = std::array<uint8_t, 16>;
  // What the answer said.
  struct Outcome {
    bool done = false;
    // 101: it is open. 0: no answer to a handshake; else refused with that.
    int status = 0;
    std::string reason;  // of a refusal, for people
  };

  // |nonce|: random.
  explicit Upgrade(const Nonce& nonce);

  // What to send; holds the token, so never logged.
  std::string request(const quic::MeetingUrl& url,
                      const std::string& client_name) const;

  // |bytes| came; returns how many of them were the answer's. What follows
  // them are frames. No more calls once it is done.
  size_t feed(Bytes bytes);
  // Nothing more comes.
  void end();
  const Outcome& outcome() const { return outcome_; }

 private:
  void judge();
  void finish(int status, std::string reason);

  std::string key_;
  std::string head_;        // of the answer
  int refusal_ = 0;         // its status, while the reason is read
  size_t reason_left_ = 0;  // bytes of the body
  Outcome outcome_;
};

}  // namespace videocall::websocket
