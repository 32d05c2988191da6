// SPDX-License-Identifier: MIT
// The sockets of a shard: how much is read in a turn, and which one a packet
// leaves by.
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "libvideocall/quic/shard.h"

namespace videocall::quic {
namespace {

// Of one socket, and more for as long as the writing of the last turn took:
// neither starves the other, and nothing waits in the socket for many turns.
constexpr size_t kBatchesPerTurn = 4;
constexpr auto kMaxReading = 50ms;

}  // namespace

Result<void> Shard::add_socket(UdpSocket socket) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = static_cast<uint32_t>(sockets_.size());
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.fd(), &event) != 0)
    return Error{Errc::io, std::string("epoll_ctl: ") + strerror(errno)};
  sockets_.push_back(std::make_unique<Socket>(std::move(socket)));
  readable_.push_back(false);
  return {};
}

// Returns what time it is then.
Time Shard::read_sockets(Time now) {
  for (size_t i = 0; i < sockets_.size(); ++i) {
    if (!readable_[i]) continue;
    readable_[i] = false;
    now = read_socket(i, now);
  }
  return now;
}

Time Shard::read_socket(size_t index, Time now) {
  const Time until = now + std::min<Duration>(writing_time_, kMaxReading);
  for (size_t i = 0; i < kBatchesPerTurn || now < until; ++i) {
    auto count = receiver_.receive(
        sockets_[index]->socket,
        [&](const Datagram& datagram) { route(datagram, now); });
    if (!count) {
      on_socket_error(index, count.error(), now);
      return now;
    }
    if (*count < receiver_.batch()) return now;
    now = Clock::now();
  }
  left_some_ = true;
  return now;
}

void Shard::flush_sockets() {
  for (size_t i = 0; i < sockets_.size(); ++i) {
    if (!sockets_[i]->queue.flush()) watch_writable(i, true);
  }
}

void Shard::watch_writable(size_t index, bool wanted) {
  Socket& socket = *sockets_[index];
  if (socket.wants_writable == wanted) return;
  epoll_event event{};
  event.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN;
  event.data.u32 = static_cast<uint32_t>(index);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, socket.socket.fd(), &event) == 0)
    socket.wants_writable = wanted;
}

bool Shard::any_blocked() const {
  return std::any_of(sockets_.begin(), sockets_.end(),
                     [](const auto& s) { return s->queue.blocked(); });
}

Shard::Socket* Shard::socket_for(const Path& path) {
  const auto local = SocketAddress::from(path.local, path.local_size);
  Socket* wildcard = nullptr;
  for (const auto& socket : sockets_) {
    const SocketAddress& bound = socket->socket.local();
    if (bound == local) return socket.get();
    if (bound.is_wildcard() && bound.family() == local.family() &&
        bound.port() == local.port())
      wildcard = socket.get();
  }
  return wildcard;
}

void Shard::send_stateless(const Path& path, Bytes bytes) {
  Socket* socket = socket_for(path);
  if (!socket || bytes.empty()) return;
  counters_.udp_bytes_out.add(bytes.size());
  socket->queue.send(path, bytes, bytes.size(), 0);
}

}  // namespace videocall::quic
