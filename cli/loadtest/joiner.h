// SPDX-License-Identifier: MIT
// Joins meetings over the HTTP API, several at once, in a thread of its own,
// so that no join holds up the media.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libvideocall/base/time.h"

typedef struct _GMainContext GMainContext;
typedef struct _SoupSession SoupSession;

namespace videocall::loadtest {

struct Joined {
  size_t session = 0;
  std::string url;  // with the token; empty: it failed
  std::vector<std::string> certificate_hashes;
  int status = 0;  // HTTP, of a failure; 0: no answer
  std::string error;
  bool bad_certificate = false;
  Duration took{0};
};

class Joiner {
 public:
  // |wake| is called from the joiner's thread when there are answers. Of an
  // answer's transports the one of kind |transport| is taken.
  Joiner(std::string transport, bool insecure_skip_verify,
         std::function<void()> wake);
  ~Joiner();
  Joiner(const Joiner&) = delete;
  Joiner& operator=(const Joiner&) = delete;

  // At the server |url|. |session| is the caller's number for it.
  void join(size_t session, const std::string& url, const std::string& meeting,
            const std::string& user);
  // What has been answered since the last call.
  void take(std::vector<Joined>& out);

 private:
  struct Request {
    size_t session = 0;
    std::string url;
    std::string meeting;
    std::string user;
  };
  struct Call;

  void run();
  void start_calls();
  void start(Request request);
  void finish(Joined joined);

  const std::string transport_;
  const bool insecure_skip_verify_;
  const std::function<void()> wake_;
  GMainContext* context_;           // owned
  SoupSession* session_ = nullptr;  // of the thread
  size_t running_ = 0;              // of the thread
  std::mutex mutex_;                // guards what follows
  std::deque<Request> requests_;
  std::vector<Joined> answers_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace videocall::loadtest
