// SPDX-License-Identifier: MIT
#include "libvideocall/quic/impaired_connection.h"

#include <algorithm>

namespace videocall::quic {

// Where the inner connection sends to.
class ImpairedConnection::Outlet final : public PacketSink {
 public:
  Outlet(Way& way, PacketSink& sink, Time now)
      : way_(way), sink_(sink), now_(now) {}

  void send(const Path& path, Bytes bytes, size_t segment_size,
            unsigned ecn) override {
    while (!bytes.empty()) {
      const Bytes segment = bytes.first(std::min(segment_size, bytes.size()));
      bytes = bytes.subspan(segment.size());
      if (way_.carry(path, segment, ecn, now_))
        sink_.send(path, segment, segment.size(), ecn);
    }
  }

 private:
  Way& way_;
  PacketSink& sink_;
  const Time now_;
};

bool ImpairedConnection::Way::carry(const Path& path, Bytes datagram,
                                    unsigned ecn, Time now) {
  const Time due = link_.carry(datagram.size(), now);
  if (due == Time::max()) return false;
  if (due <= now && held_.empty()) return true;
  held_.push_back({due, path, {datagram.begin(), datagram.end()}, ecn});
  return false;
}

ImpairedConnection::Held ImpairedConnection::Way::take() {
  Held held = std::move(held_.front());
  held_.pop_front();
  return held;
}

void ImpairedConnection::receive(const Path& path, Bytes datagram, unsigned ecn,
                                 Time now) {
  if (in_.carry(path, datagram, ecn, now))
    inner_->receive(path, datagram, ecn, now);
}

void ImpairedConnection::write(PacketSink& sink, size_t budget, Time now) {
  while (out_.due() <= now) {
    const Held held = out_.take();
    sink.send(held.path, held.bytes, held.bytes.size(), held.ecn);
  }
  Outlet outlet(out_, sink, now);
  if (inner_->wants_write(now)) inner_->write(outlet, budget, now);
}

Time ImpairedConnection::next_timer() const {
  return std::min({inner_->next_timer(), in_.due(), out_.due()});
}

void ImpairedConnection::on_timer(Time now) {
  while (in_.due() <= now) {
    const Held held = in_.take();
    inner_->receive(held.path, held.bytes, held.ecn, now);
  }
  if (inner_->next_timer() <= now) inner_->on_timer(now);
}

}  // namespace videocall::quic
