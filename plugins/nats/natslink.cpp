// SPDX-License-Identifier: MIT
#include "plugins/nats/natslink.h"

#include <algorithm>
#include <chrono>

namespace videocall::nats {
namespace {

using namespace std::chrono_literals;
using cluster::RelayQueue;

// A write that takes longer finds the broker hung; the library then looks for
// another one.
constexpr int64_t kWriteDeadlineMs = 500;
constexpr int64_t kConnectTimeoutMs = 1'000;
// While there is no connection nothing is sent, so the library keeps nothing.
constexpr int kReconnectBytes = 64 * 1024;
constexpr size_t kMostAtOnce = 256;

// Links by endpoint name; a name's link ends with its last element.
struct Registry {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<NatsLink>> links;
};

Registry& registry() {
  static Registry all;
  return all;
}

std::string last_error() {
  natsStatus status = NATS_OK;
  const char* text = nats_GetLastError(&status);
  return text && *text ? text : natsStatus_GetText(status);
}

// The same without where in the library that was: "(conn.c:733): ".
std::string last_cause() {
  std::string text = last_error();
  const size_t end = text.find("): ");
  return text.starts_with('(') && end != std::string::npos
             ? text.substr(end + 3)
             : text;
}

// Without user and password.
std::string without_secret(std::string text) {
  const size_t at = text.rfind('@');
  const size_t scheme = text.find("://");
  if (at != std::string::npos && scheme != std::string::npos && at > scheme)
    text.erase(scheme + 3, at - scheme - 2);
  return text;
}

std::string server_of(natsConnection* connection) {
  char url[512] = "";
  natsConnection_GetConnectedUrl(connection, url, sizeof url);
  return without_secret(url);
}

// Why connecting failed, and what to do.
std::string explain(natsStatus status,
                    const std::vector<std::string>& servers) {
  const std::string cause = last_cause();
  switch (status) {
    case NATS_NO_SERVER:
    case NATS_TIMEOUT: {
      std::string all;
      for (const std::string& server : servers)
        all += (all.empty() ? "" : ", ") + without_secret(server);
      return "no server answers at " + all +
             ": check the address, and that it runs";
    }
    case NATS_CONNECTION_AUTH_FAILED:
      return "the server does not accept who this is (" + cause +
             "): check user and password, or the credentials file";
    case NATS_SSL_ERROR:
      return "TLS with the server failed (" + cause +
             "): check that its certificate is for the host in the URL and "
             "from an authority in the CA file";
    case NATS_SECURE_CONNECTION_WANTED:
      return "the server does no TLS: give it a certificate, or write nats:// "
             "for tls://";
    case NATS_SECURE_CONNECTION_REQUIRED:
      return "the server wants TLS: write tls:// for nats://";
    default:
      return cause;
  }
}

}  // namespace

Result<std::shared_ptr<NatsLink>> NatsLink::acquire(const std::string& name,
                                                    const LinkConfig& config) {
  const std::lock_guard lock(registry().mutex);
  std::weak_ptr<NatsLink>& known = registry().links[name];
  if (auto link = known.lock()) return link;
  std::shared_ptr<NatsLink> link(new NatsLink(config));
  if (auto configured = link->configure(); !configured)
    return configured.error();
  link->thread_ = std::thread([raw = link.get()] { raw->run(); });
  known = link;
  return link;
}

std::shared_ptr<NatsLink> NatsLink::find(const std::string& name) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().links.find(name);
  return found == registry().links.end() ? nullptr : found->second.lock();
}

NatsLink::NatsLink(const LinkConfig& config)
    : config_(config),
      // Never freed, not even at the process's end: a callback of the library
      // may be on its way for as long as its threads run.
      gate_([] {
        static std::mutex mutex;
        static auto& all = *new std::vector<std::unique_ptr<Gate>>;
        const std::lock_guard lock(mutex);
        return all.emplace_back(std::make_unique<Gate>()).get();
      }()),
      queue_({config.max_queue_bytes, limits::kMaxNatsQueuePackets,
              std::chrono::milliseconds(config.max_queue_ms)}) {
  gate_->link = this;
}

NatsLink::~NatsLink() {
  {
    const std::lock_guard lock(queue_mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(gate_->mutex);
  gate_->link = nullptr;
}

Result<void> NatsLink::configure() {
  natsOptions* raw = nullptr;
  if (natsOptions_Create(&raw) != NATS_OK)
    return Error{Errc::internal, "no NATS options: " + last_error()};
  options_.reset(raw);
  std::vector<const char*> servers;
  for (const std::string& server : config_.servers)
    servers.push_back(server.c_str());
  if (servers.empty())
    return Error{Errc::invalid_argument,
                 "no NATS servers; set servers=nats://HOST:4222"};
  natsStatus status = natsOptions_SetServers(raw, servers.data(),
                                             static_cast<int>(servers.size()));
  const auto then = [&](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  then(natsOptions_SetName(raw, config_.client_name.c_str()));
  then(natsOptions_SetTimeout(raw, kConnectTimeoutMs));
  then(natsOptions_SetSendAsap(raw, true));
  then(natsOptions_SetNoEcho(raw, true));
  then(natsOptions_UseGlobalMessageDelivery(raw, true));
  then(natsOptions_SetPingInterval(raw, config_.ping_interval_ms));
  then(natsOptions_SetMaxPingsOut(raw, config_.max_pings_out));
  then(natsOptions_SetWriteDeadline(raw, kWriteDeadlineMs));
  then(natsOptions_SetMaxReconnect(raw, -1));
  then(natsOptions_SetReconnectWait(raw, config_.reconnect_wait_ms));
  then(natsOptions_SetReconnectJitter(raw, 50, 50));
  then(natsOptions_SetReconnectBufSize(raw, kReconnectBytes));
  then(natsOptions_SetReconnectedCB(raw, on_connected, gate_));
  then(natsOptions_SetDisconnectedCB(raw, on_disconnected, gate_));
  then(natsOptions_SetClosedCB(raw, on_closed, gate_));
  then(natsOptions_SetErrorHandler(raw, on_error, gate_));
  if (status == NATS_OK) status = set_security();
  if (status == NATS_OK) return {};
  return Error{status == NATS_SSL_ERROR ? Errc::tls : Errc::invalid_argument,
               "cannot use these NATS settings: " + last_error()};
}

natsStatus NatsLink::set_security() {
  natsOptions* options = options_.get();
  natsStatus status = NATS_OK;
  const auto then = [&](bool wanted, auto&& set) {
    if (wanted && status == NATS_OK) status = set();
  };
  const LinkConfig& c = config_;
  then(!c.credentials_file.empty(), [&] {
    return natsOptions_SetUserCredentialsFromFiles(
        options, c.credentials_file.c_str(), nullptr);
  });
  then(!c.user.empty(), [&] {
    return natsOptions_SetUserInfo(options, c.user.c_str(), c.password.c_str());
  });
  then(!c.token.empty(),
       [&] { return natsOptions_SetToken(options, c.token.c_str()); });
  // The library takes tls: in a URL for a wish.
  const bool tls = c.tls || std::any_of(c.servers.begin(), c.servers.end(),
                                        [](const std::string& server) {
                                          return server.starts_with("tls:");
                                        });
  then(tls, [&] { return natsOptions_SetSecure(options, true); });
  then(!c.ca_file.empty(), [&] {
    return natsOptions_LoadCATrustedCertificates(options, c.ca_file.c_str());
  });
  then(!c.certificate_file.empty(), [&] {
    return natsOptions_LoadCertificatesChain(
        options, c.certificate_file.c_str(), c.key_file.c_str());
  });
  then(c.insecure_skip_verify,
       [&] { return natsOptions_SkipServerVerification(options, true); });
  return status;
}

void NatsLink::set_receiver(LinkReceiver* receiver) {
  const std::lock_guard lock(receiver_mutex_);
  receiver_ = receiver;
  if (receiver) receiver->on_state(state_);
}

void NatsLink::watch(const void* owner,
                     std::function<void(const LinkState&)> watcher) {
  const std::lock_guard lock(receiver_mutex_);
  if (state_.connected || !state_.reason.empty()) watcher(state_);
  watchers_[owner] = std::move(watcher);
}

void NatsLink::unwatch(const void* owner) {
  const std::lock_guard lock(receiver_mutex_);
  watchers_.erase(owner);
}

void NatsLink::subscribe(const std::string& subject, bool on) {
  {
    const std::lock_guard lock(queue_mutex_);
    subscribes_.push_back({subject, on});
  }
  wake_.notify_one();
}

void NatsLink::publish(Entries& packets) {
  const Time now = Clock::now();
  {
    const std::lock_guard lock(queue_mutex_);
    for (RelayQueue::Entry& entry : packets) {
      entry.queued = now;
      if (connected_)
        queue_.push(std::move(entry));
      else
        queue_.lose(entry);
    }
  }
  packets.clear();
  wake_.notify_one();
}

// -- The thread ---------------------------------------------------------------

void NatsLink::run() {
  connect();
  std::vector<Subscribe> subscribes;
  Entries entries;
  while (next(subscribes, entries)) {
    for (const Subscribe& subscribe : subscribes) carry_out(subscribe);
    for (const RelayQueue::Entry& entry : entries) send(entry);
  }
  disconnect();
}

// Waits for something to do; false if it is time to end.
bool NatsLink::next(std::vector<Subscribe>& subscribes, Entries& entries) {
  subscribes.clear();
  entries.clear();
  std::unique_lock lock(queue_mutex_);
  wake_.wait(lock, [&] {
    return stopping_ || closed_ || !subscribes_.empty() || !queue_.empty();
  });
  if (closed_ && !stopping_) {
    // The library tries again only what has worked once, and gives up where a
    // server refuses it; an operator may mend that.
    closed_ = false;
    wake_.wait_for(lock, std::chrono::milliseconds(config_.reconnect_wait_ms),
                   [&] { return stopping_; });
    if (stopping_) return false;
    lock.unlock();
    disconnect();
    connect();
    lock.lock();
  }
  subscribes.swap(subscribes_);
  const Time now = Clock::now();
  while (entries.size() < kMostAtOnce) {
    auto entry = queue_.pop(now);
    if (!entry) break;
    entries.push_back(*std::move(entry));
  }
  return !stopping_;
}

void NatsLink::connect() {
  const natsStatus status =
      natsConnection_Connect(&connection_, options_.get());
  if (status == NATS_OK) {
    on_connected(connection_, gate_);
    // It may have gone before that; then the library said so too early.
    if (natsConnection_Status(connection_) != NATS_CONN_STATUS_CONNECTED)
      on_disconnected(connection_, gate_);
  } else {
    set_state(false, {}, explain(status, config_.servers));
    const std::lock_guard lock(queue_mutex_);
    closed_ = true;
  }
  // Those of the connection before.
  std::vector<std::string> subjects;
  for (const auto& [subject, subscription] : subscriptions_)
    if (!subscription) subjects.push_back(subject);
  for (const std::string& subject : subjects) carry_out({subject, true});
}

void NatsLink::disconnect() {
  connected_ = false;
  for (auto& [subject, subscription] : subscriptions_) {
    natsSubscription_Destroy(subscription);
    subscription = nullptr;
  }
  natsConnection_Destroy(connection_);
  connection_ = nullptr;
}

void NatsLink::carry_out(const Subscribe& subscribe) {
  const auto found = subscriptions_.find(subscribe.subject);
  if (!subscribe.on) {
    if (found == subscriptions_.end()) return;
    natsSubscription_Destroy(found->second);
    subscriptions_.erase(found);
    subscription_count_ = subscriptions_.size();
    return;
  }
  if (found != subscriptions_.end() && found->second) return;
  natsSubscription* subscription = nullptr;
  if (connection_ && natsConnection_Subscribe(
                         &subscription, connection_, subscribe.subject.c_str(),
                         on_raw_message, gate_) == NATS_OK) {
    // What waits is bounded by our queue, which drops by better rules.
    natsSubscription_SetPendingLimits(subscription, -1, -1);
  }
  subscriptions_[subscribe.subject] = subscription;
  subscription_count_ = subscriptions_.size();
}

void NatsLink::send(const RelayQueue::Entry& entry) {
  if (!connected_) {
    const std::lock_guard lock(queue_mutex_);
    queue_.lose(entry);
    return;
  }
  const Bytes bytes = entry.packet->bytes();
  const natsStatus status =
      entry.headers ? send_with_headers(entry)
                    : natsConnection_Publish(
                          connection_, entry.subject->c_str(), bytes.data(),
                          static_cast<int>(bytes.size()));
  if (status == NATS_OK) {
    ++messages_out_;
    bytes_out_ += bytes.size();
    return;
  }
  ++failed_;
  const std::lock_guard lock(queue_mutex_);
  queue_.break_group(entry);
}

natsStatus NatsLink::send_with_headers(const RelayQueue::Entry& entry) {
  const Bytes bytes = entry.packet->bytes();
  natsMsg* message = nullptr;
  natsStatus status =
      natsMsg_Create(&message, entry.subject->c_str(), nullptr,
                     reinterpret_cast<const char*>(bytes.data()),
                     static_cast<int>(bytes.size()));
  for (const auto& [key, value] : *entry.headers)
    if (status == NATS_OK)
      status = natsMsgHeader_Set(message, key.c_str(), value.c_str());
  if (status == NATS_OK)
    status = natsConnection_PublishMsg(connection_, message);
  natsMsg_Destroy(message);
  return status;
}

// -- From the library's threads -----------------------------------------------

void NatsLink::on_connected(natsConnection* connection, void* gate) {
  const std::lock_guard lock(static_cast<Gate*>(gate)->mutex);
  NatsLink* link = static_cast<Gate*>(gate)->link;
  if (!link) return;
  ++link->connects_;
  link->connected_ = true;
  link->set_state(true, server_of(connection), {});
}

void NatsLink::on_disconnected(natsConnection* connection, void* gate) {
  const std::lock_guard lock(static_cast<Gate*>(gate)->mutex);
  NatsLink* link = static_cast<Gate*>(gate)->link;
  if (!link) return;
  link->connected_ = false;
  const char* reason = nullptr;
  natsConnection_GetLastError(connection, &reason);
  link->set_state(false, {}, reason && *reason ? reason : "the server is gone");
}

void NatsLink::on_closed(natsConnection*, void* gate) {
  const std::lock_guard lock(static_cast<Gate*>(gate)->mutex);
  NatsLink* link = static_cast<Gate*>(gate)->link;
  if (!link) return;
  link->connected_ = false;
  const std::lock_guard queue_lock(link->queue_mutex_);
  link->closed_ = true;
  link->wake_.notify_all();
}

void NatsLink::on_error(natsConnection*, natsSubscription*, natsStatus status,
                        void* gate) {
  const std::lock_guard lock(static_cast<Gate*>(gate)->mutex);
  NatsLink* link = static_cast<Gate*>(gate)->link;
  if (!link) return;
  ++(status == NATS_SLOW_CONSUMER ? link->slow_ : link->failed_);
}

void NatsLink::on_raw_message(natsConnection*, natsSubscription*,
                              natsMsg* message, void* gate) {
  {
    const std::lock_guard lock(static_cast<Gate*>(gate)->mutex);
    if (NatsLink* link = static_cast<Gate*>(gate)->link)
      link->on_message(message);
  }
  natsMsg_Destroy(message);
}

void NatsLink::on_message(natsMsg* message) {
  const auto size = static_cast<size_t>(natsMsg_GetDataLength(message));
  ++messages_in_;
  bytes_in_ += size;
  auto packet = Packet::from_bytes(
      {reinterpret_cast<const uint8_t*>(natsMsg_GetData(message)), size});
  if (!packet) {
    ++invalid_;
    return;
  }
  auto subject =
      std::make_shared<const std::string>(natsMsg_GetSubject(message));
  const std::lock_guard lock(receiver_mutex_);
  if (receiver_) receiver_->on_packet(std::move(*packet), std::move(subject));
}

void NatsLink::set_state(bool connected, std::string server,
                         std::string reason) {
  const std::lock_guard lock(receiver_mutex_);
  // An attempt that fails as the one before is no news.
  if (!connected && !state_.connected && state_.reason == reason) return;
  state_ = {connected, std::move(server), std::move(reason)};
  if (receiver_) receiver_->on_state(state_);
  for (const auto& [owner, watcher] : watchers_) watcher(state_);
}

// -----------------------------------------------------------------------------

LinkState NatsLink::state() const {
  const std::lock_guard lock(receiver_mutex_);
  return state_;
}

LinkStats NatsLink::stats() const {
  LinkStats stats;
  stats.connected = connected_;
  stats.connects = connects_;
  stats.messages_in = messages_in_;
  stats.bytes_in = bytes_in_;
  stats.messages_out = messages_out_;
  stats.bytes_out = bytes_out_;
  stats.subscriptions = subscription_count_;
  stats.failed = failed_;
  stats.invalid = invalid_;
  stats.slow = slow_;
  const std::lock_guard lock(queue_mutex_);
  stats.queued_bytes = queue_.bytes();
  stats.dropped = queue_.dropped();
  return stats;
}

}  // namespace videocall::nats
