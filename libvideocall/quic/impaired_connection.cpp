// SPDX-License-Identifier: MIT
#include "libvideocall/quic/impaired_connection.h"

#include <algorithm>

namespace videocall::quic {

void ImpairedConnection::receive(const Path& path, Bytes datagram, unsigned ecn,
                                 Time now) {
  const Time due = link_.carry(datagram.size(), now);
  if (due == Time::max()) return;
  if (due <= now && held_.empty())
    inner_->receive(path, datagram, ecn, now);
  else
    held_.push_back({due, path, {datagram.begin(), datagram.end()}, ecn});
}

Time ImpairedConnection::next_timer() const {
  const Time next = inner_->next_timer();
  return held_.empty() ? next : std::min(next, held_.front().due);
}

void ImpairedConnection::on_timer(Time now) {
  while (!held_.empty() && held_.front().due <= now) {
    const Held held = std::move(held_.front());
    held_.pop_front();
    inner_->receive(held.path, held.bytes, held.ecn, now);
  }
  if (inner_->next_timer() <= now) inner_->on_timer(now);
}

}  // namespace videocall::quic
