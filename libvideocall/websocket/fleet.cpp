// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/fleet.h"

#include <gnutls/crypto.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "libvideocall/quic/timer_heap.h"
#include "libvideocall/websocket/fleet_session.h"

namespace videocall::websocket {
namespace {

constexpr size_t kReadBuffer = 64 * 1024;
constexpr size_t kEventsAtOnce = 256;
constexpr auto kLongestWait = std::chrono::hours(1);

class WebSocketFleet final : public quic::Fleet, private FleetHost {
 public:
  WebSocketFleet(quic::FleetConfig config, quic::FleetVisitor& visitor)
      : config_(std::move(config)), visitor_(visitor), buffer_(kReadBuffer) {}

  Result<void> start();

  // -- Fleet ------------------------------------------------------------------
  Result<void> connect(size_t index, const quic::FleetTarget& target,
                       Time now) override;
  void send(size_t index, const PacketRef& packet, Time now) override {
    if (FleetSession* session = find(index)) session->send(packet, now);
  }
  void close(size_t index, CloseCode code) override {
    if (FleetSession* session = find(index)) session->close(code);
  }
  quic::ChannelStats stats(size_t index, Time now) const override {
    return index < sessions_.size() && sessions_[index]
               ? sessions_[index]->channel_stats(now)
               : quic::ChannelStats{};
  }
  Result<void> turn(Duration timeout) override;
  void wake() override {
    const uint64_t one = 1;
    // It fails only if the count is full, and then it is awake.
    [[maybe_unused]] const ssize_t size =
        ::write(wake_.get(), &one, sizeof one);
  }

 private:
  // -- FleetHost --------------------------------------------------------------
  void touch(FleetSession& session) override {
    if (std::exchange(session.touched, true)) return;
    touched_.push_back(&session);
  }
  void watch(FleetSession& session, uint32_t events) override;
  std::span<uint8_t> read_buffer() override { return buffer_; }
  uint32_t random() override;
  quic::FleetVisitor& visitor() override { return visitor_; }

  FleetSession* find(size_t index) {
    return index < sessions_.size() ? sessions_[index].get() : nullptr;
  }
  Result<FleetSession::Start> prepare(const quic::FleetTarget& target);
  Result<void> wait(Duration timeout);
  void fire_timers(Time now);
  void visit_touched(Time now);

  const quic::FleetConfig config_;
  quic::FleetVisitor& visitor_;  // borrowed
  UniqueFd epoll_;
  UniqueFd wake_;
  std::shared_ptr<ClientTls> tls_;  // once one is needed
  std::vector<uint8_t> buffer_;     // of the read that goes on
  std::array<epoll_event, kEventsAtOnce> events_{};
  std::array<uint32_t, 64> randoms_{};
  size_t randoms_used_ = randoms_.size();
  // The last that was looked up.
  std::string authority_;
  std::vector<quic::SocketAddress> addresses_;
  std::vector<std::unique_ptr<FleetSession>> sessions_;
  // Others have their index; events of this turn may still name them.
  std::vector<std::unique_ptr<FleetSession>> retired_;
  quic::TimerHeap timers_;  // by index
  std::vector<FleetSession*> touched_;
  std::vector<FleetSession*> visiting_;
};

Result<void> WebSocketFleet::start() {
  epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (!epoll_ || !wake_ ||
      epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
    return Error{Errc::io,
                 std::string("cannot make a loop: ") + std::strerror(errno)};
  return {};
}

uint32_t WebSocketFleet::random() {
  if (randoms_used_ == randoms_.size()) {
    gnutls_rnd(GNUTLS_RND_NONCE, randoms_.data(), sizeof randoms_);
    randoms_used_ = 0;
  }
  return randoms_[randoms_used_++];
}

Result<FleetSession::Start> WebSocketFleet::prepare(
    const quic::FleetTarget& target) {
  auto url = quic::MeetingUrl::parse_websocket(target.url);
  if (!url) return url.error();
  if (url->authority != authority_) {
    auto addresses = quic::SocketAddress::resolve(url->host, url->port);
    if (!addresses) return addresses.error();
    addresses_ = std::move(*addresses);
    authority_ = url->authority;
  }
  if (url->secure && !tls_) {
    auto made =
        ClientTls::create(config_.insecure_skip_verify, config_.ca_file);
    if (!made) return made.error();
    tls_ = std::move(*made);
  }
  FleetSession::Start start;
  start.addresses = addresses_;
  if (url->secure) start.tls = tls_;
  start.url = std::move(*url);
  start.client_name = config_.client_name;
  gnutls_rnd(GNUTLS_RND_NONCE, start.nonce.data(), start.nonce.size());
  start.bits_per_second = target.impairment.bits_per_second;
  start.queue = target.impairment.queue;
  return start;
}

Result<void> WebSocketFleet::connect(size_t index,
                                     const quic::FleetTarget& target,
                                     Time now) {
  auto start = prepare(target);
  if (!start) return start.error();
  if (sessions_.size() <= index) sessions_.resize(index + 1);
  if (std::unique_ptr<FleetSession>& old = sessions_[index]) {
    old->abandon();
    retired_.push_back(std::move(old));
  }
  auto session = std::make_unique<FleetSession>(static_cast<FleetHost&>(*this),
                                                index, std::move(*start), now);
  if (auto dialled = session->dial(); !dialled) return dialled.error();
  sessions_[index] = std::move(session);
  touch(*sessions_[index]);
  return {};
}

void WebSocketFleet::watch(FleetSession& session, uint32_t events) {
  if (session.watched == events || session.fd() < 0) return;
  epoll_event event{};
  event.events = events;
  event.data.ptr = &session;
  const int how = events == 0            ? EPOLL_CTL_DEL
                  : session.watched == 0 ? EPOLL_CTL_ADD
                                         : EPOLL_CTL_MOD;
  epoll_ctl(epoll_.get(), how, session.fd(), &event);
  session.watched = events;
}

Result<void> WebSocketFleet::wait(Duration timeout) {
  const auto wait_ns = std::clamp<Duration>(timeout, 0ns, kLongestWait);
  const timespec limit = {
      .tv_sec = static_cast<time_t>(wait_ns.count() / 1'000'000'000),
      .tv_nsec = static_cast<long>(wait_ns.count() % 1'000'000'000)};
  const int count = epoll_pwait2(epoll_.get(), events_.data(),
                                 int{kEventsAtOnce}, &limit, nullptr);
  if (count < 0 && errno != EINTR)
    return Error{Errc::io, std::string("epoll: ") + std::strerror(errno)};
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<size_t>(i)];
    if (auto* session = static_cast<FleetSession*>(event.data.ptr)) {
      // Each at its own time: the first ones' packets took some.
      if (!session->over()) session->on_events(event.events, Clock::now());
      continue;
    }
    uint64_t wakes = 0;
    [[maybe_unused]] const ssize_t size =
        ::read(wake_.get(), &wakes, sizeof wakes);
  }
  return {};
}

void WebSocketFleet::fire_timers(Time now) {
  uint32_t index = 0;
  // Bounded: what is due again at once waits for the next turn.
  for (size_t n = timers_.size(); n > 0 && timers_.pop_due(now, index); --n) {
    FleetSession* session = find(index);
    if (!session) continue;
    if (session->next_timer() <= now) session->on_timer(now);
    timers_.arm(index, session->next_timer());
  }
}

void WebSocketFleet::visit_touched(Time now) {
  // Two passes: what is said in the first may touch others.
  for (int pass = 0; pass < 2 && !touched_.empty(); ++pass) {
    visiting_.swap(touched_);
    for (FleetSession* session : visiting_) {
      session->touched = false;
      session->visit(now);
      if (find(session->index()) == session)
        timers_.arm(static_cast<uint32_t>(session->index()),
                    session->next_timer());
    }
    visiting_.clear();
  }
}

Result<void> WebSocketFleet::turn(Duration timeout) {
  // Those that were touched, and have been retired since, are over.
  std::erase_if(touched_, [&](FleetSession* session) {
    return find(session->index()) != session;
  });
  retired_.clear();
  const Time start = Clock::now();
  visit_touched(start);
  if (!touched_.empty()) timeout = Duration::zero();
  if (timers_.next() != Time::max())
    timeout = std::min<Duration>(
        timeout, std::max<Duration>(timers_.next() - start, 0ns));
  if (auto waited = wait(timeout); !waited) return waited;
  const Time now = Clock::now();
  fire_timers(now);
  visit_touched(now);
  return {};
}

}  // namespace

Result<std::unique_ptr<quic::Fleet>> create_fleet(quic::FleetConfig config,
                                                  quic::FleetVisitor& visitor) {
  auto fleet = std::make_unique<WebSocketFleet>(std::move(config), visitor);
  if (auto started = fleet->start(); !started) return started.error();
  return std::unique_ptr<quic::Fleet>(std::move(fleet));
}

}  // namespace videocall::websocket
