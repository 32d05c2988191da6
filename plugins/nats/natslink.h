// SPDX-License-Identifier: MIT
// One connection to a NATS cluster, shared by elements that name the same
// endpoint. All that goes out, subscriptions included, passes one bounded
// queue and a thread of its own, so that a broker that hangs stops nobody; what
// comes in is handed to a receiver on a thread of the NATS library.
//
// Thread-safe, but for set_receiver().
#pragma once

#include <nats/nats.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "libvideocall/base/result.h"
#include "libvideocall/cluster/limits.h"
#include "libvideocall/cluster/relay_queue.h"

namespace videocall::nats {

struct LinkConfig {
  std::vector<std::string>
      servers;                   // nats://[USER:PASSWORD@]HOST:PORT, tls://…
  std::string credentials_file;  // as `nsc` writes them
  std::string user;
  std::string password;
  std::string token;
  bool tls = false;  // also where the URL does not say so
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  bool insecure_skip_verify = false;
  std::string client_name = "videocall/" VIDEOCALL_VERSION;
  // A server that has not answered so many pings is gone.
  int ping_interval_ms = 500;
  int max_pings_out = 2;
  int reconnect_wait_ms = 250;
  size_t max_queue_bytes = limits::kMaxNatsQueueBytes;
  int max_queue_ms = 300;  // of media
};

struct LinkState {
  bool connected = false;
  std::string server;  // the one in use, without user and password
  std::string reason;  // why not
};

struct LinkStats {
  bool connected = false;
  uint64_t connects = 0;  // the first included
  uint64_t messages_in = 0;
  uint64_t bytes_in = 0;
  uint64_t messages_out = 0;
  uint64_t bytes_out = 0;
  uint64_t subscriptions = 0;
  uint64_t queued_bytes = 0;
  uint64_t failed = 0;   // the library or the broker refused them
  uint64_t invalid = 0;  // came and are no packets
  uint64_t slow = 0;     // the library dropped them before we saw them
  cluster::RelayQueue::Dropped dropped;
};

using cluster::HeadersPtr;

class LinkReceiver {
 public:
  virtual ~LinkReceiver() = default;
  // On threads of the library; must not block.
  virtual void on_packet(PacketRef packet, SubjectPtr subject) = 0;
  virtual void on_state(const LinkState& state) = 0;
};

class NatsLink {
 public:
  // The link called |name|, or a new one. Errors: invalid_argument, io, tls:
  // what can be told without a server; that none answers is no error.
  static Result<std::shared_ptr<NatsLink>> acquire(const std::string& name,
                                                   const LinkConfig& config);
  static std::shared_ptr<NatsLink> find(const std::string& name);

  ~NatsLink();
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;

  // Borrowed, until it is called with nullptr. A receiver hears of the state
  // at once.
  void set_receiver(LinkReceiver* receiver);
  // Further ones that hear of the state alone; |owner| names it.
  void watch(const void* owner, std::function<void(const LinkState&)> watcher);
  void unwatch(const void* owner);

  // Before anything that is published from now on.
  void subscribe(const std::string& subject, bool on);
  // Takes |packets| and empties it.
  using Entries = std::vector<cluster::RelayQueue::Entry>;
  void publish(Entries& packets);

  LinkState state() const;
  LinkStats stats() const;

 private:
  struct OptionsDestroy {
    void operator()(natsOptions* options) const {
      natsOptions_Destroy(options);
    }
  };
  using OptionsPtr = std::unique_ptr<natsOptions, OptionsDestroy>;
  struct Subscribe {
    std::string subject;
    bool on = true;
  };
  // Outlives the link, since the library may call back later than it says.
  struct Gate {
    std::mutex mutex;  // guards link, held while it is called
    NatsLink* link = nullptr;
  };

  explicit NatsLink(const LinkConfig& config);
  Result<void> configure();
  natsStatus set_security();
  void run();
  void connect();
  void disconnect();
  bool next(std::vector<Subscribe>& subscribes, Entries& entries);
  void carry_out(const Subscribe& subscribe);
  void send(const cluster::RelayQueue::Entry& entry);
  natsStatus send_with_headers(const cluster::RelayQueue::Entry& entry);
  void set_state(bool connected, std::string server, std::string reason);
  void on_message(natsMsg* message);
  static void on_connected(natsConnection* connection, void* gate);
  static void on_disconnected(natsConnection* connection, void* gate);
  static void on_closed(natsConnection* connection, void* gate);
  static void on_error(natsConnection*, natsSubscription*, natsStatus status,
                       void* gate);
  static void on_raw_message(natsConnection*, natsSubscription*,
                             natsMsg* message, void* gate);

  const LinkConfig config_;
  Gate* const gate_;  // borrowed
  OptionsPtr options_;
  natsConnection* connection_ = nullptr;                    // the thread's
  std::map<std::string, natsSubscription*> subscriptions_;  // the thread's
  std::atomic<uint64_t> subscription_count_{0};
  std::atomic<bool> connected_{false};
  std::atomic<uint64_t> connects_{0};
  std::atomic<uint64_t> messages_in_{0};
  std::atomic<uint64_t> bytes_in_{0};
  std::atomic<uint64_t> messages_out_{0};
  std::atomic<uint64_t> bytes_out_{0};
  std::atomic<uint64_t> failed_{0};
  std::atomic<uint64_t> invalid_{0};
  std::atomic<uint64_t> slow_{0};

  mutable std::mutex queue_mutex_;  // guards the queue and what follows it
  std::condition_variable wake_;
  cluster::RelayQueue queue_;
  std::vector<Subscribe> subscribes_;
  bool closed_ = false;  // the library has given the connection up
  bool stopping_ = false;

  mutable std::mutex receiver_mutex_;  // guards the three below; held while
                                       // they are called
  LinkReceiver* receiver_ = nullptr;
  std::map<const void*, std::function<void(const LinkState&)>> watchers_;
  LinkState state_;

  std::thread thread_;
};

}  // namespace videocall::nats
