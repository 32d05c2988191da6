// SPDX-License-Identifier: MIT
// POST /api/v1/meetings/{id}/join by libsoup, asynchronous on the
// thread-default main context of the thread that uses it; one thread.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "libvideocall/client/join.h"

typedef struct _SoupSession SoupSession;

namespace videocall::gst {

using JoinOutcome = std::variant<client::JoinAnswer, client::JoinFailure>;

// What an answer of the API says. |status| is HTTP's.
JoinOutcome parse_join_answer(int status, std::string_view body);

class JoinRequest {
 public:
  struct Parameters {
    std::string location;  // http(s)://HOST[:PORT][/PATH]
    std::string meeting;
    std::string user_id;       // empty: the server chooses
    std::string display_name;  // empty: the user id
    std::string user_agent;
    bool insecure_skip_verify = false;
  };
  using Done = std::function<void(JoinOutcome)>;

  // Keeps cookies from one start() to the next: who created a meeting stays its
  // host.
  explicit JoinRequest(Parameters parameters);
  ~JoinRequest();
  JoinRequest(const JoinRequest&) = delete;
  JoinRequest& operator=(const JoinRequest&) = delete;

  // Calls |done| once, unless cancel() or a new start() comes first.
  void start(Done done);
  void cancel();

 private:
  struct Call;

  Parameters parameters_;
  SoupSession* session_ = nullptr;  // owned
  std::shared_ptr<Call> call_;      // under way
};

}  // namespace videocall::gst
