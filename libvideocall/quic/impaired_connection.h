// SPDX-License-Identifier: MIT
// A connection behind a bad network: what comes from the peer passes an
// ImpairedLink first, and what it sends another.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "libvideocall/quic/connection.h"
#include "libvideocall/quic/impaired_link.h"

namespace videocall::quic {

class ImpairedConnection final : public Connection {
 public:
  ImpairedConnection(std::unique_ptr<Connection> inner, const Impairment& in,
                     const Impairment& out)
      : inner_(std::move(inner)), in_(in), out_(out) {}

  // The owner knows the inner connection by its slot too.
  void set_slot(uint32_t number) {
    slot = number;
    inner_->slot = number;
  }

  // Connection
  WebTransportSession& accept(SessionVisitor& visitor,
                              SendSource& source) override {
    return inner_->accept(visitor, source);
  }
  void refuse(int status, std::string_view reason) override {
    inner_->refuse(status, reason);
  }
  WebTransportSession* session() override { return inner_->session(); }
  void receive(const Path& path, Bytes datagram, unsigned ecn,
               Time now) override;
  void write(PacketSink& sink, size_t budget, Time now) override;
  Time next_timer() const override;
  void on_timer(Time now) override;
  bool wants_write(Time now) const override {
    return inner_->wants_write(now) || (!out_.empty() && out_.due() <= now);
  }
  bool finished() const override { return inner_->finished(); }
  bool handshake_done() const override { return inner_->handshake_done(); }
  void abort(uint64_t application_code, Time now) override {
    inner_->abort(application_code, now);
  }

 private:
  struct Held {
    Time due;
    Path path;
    std::vector<uint8_t> bytes;
    unsigned ecn;
  };

  // One direction, and what is on its way, in order.
  class Way {
   public:
    explicit Way(const Impairment& impairment) : link_(impairment) {}
    bool empty() const { return held_.empty(); }
    // Of the first; Time::max() if there is none.
    Time due() const { return empty() ? Time::max() : held_.front().due; }
    // True: it is there at once. Else it is lost or held.
    bool carry(const Path& path, Bytes datagram, unsigned ecn, Time now);
    Held take();

   private:
    ImpairedLink link_;
    std::deque<Held> held_;
  };

  class Outlet;

  std::unique_ptr<Connection> inner_;
  Way in_, out_;
};

}  // namespace videocall::quic
