// SPDX-License-Identifier: MIT
// What the daemon remembers of meetings across restarts.
#pragma once

#include <cstdint>
#include <string>

#include "libvideocall/base/result.h"

namespace videocall::server {

struct Meeting {
  std::string id;
  int64_t created_ms = 0;  // since the Unix epoch
  // SHA-256, in hex, of the cookie that its creator got.
  std::string creator_cookie_hash;
};

// Implementations may block: call from a worker only. Safe from any number of
// workers at once.
class MeetingStore {
 public:
  virtual ~MeetingStore() = default;

  struct Opened {
    Meeting meeting;
    bool created = false;
  };

  // The meeting |wanted.id|; if there is none, |wanted| becomes it. Exactly
  // one of several callers at the same time creates. Errors: io, with the
  // cause and the remedy.
  virtual Result<Opened> open(const Meeting& wanted) = 0;

  // Errors: not_found; io.
  virtual Result<Meeting> find(const std::string& id) = 0;

  // Whether the store can be read and written now. Errors: io.
  virtual Result<void> check() = 0;
};

}  // namespace videocall::server
