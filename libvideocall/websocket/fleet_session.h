// SPDX-License-Identifier: MIT
// One client session of a WebSocket fleet: its connection, from the first
// packet of TCP to the close frame, and its channel. Belongs to the thread of
// the fleet.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libvideocall/quic/channel.h"
#include "libvideocall/quic/fleet.h"
#include "libvideocall/quic/meeting_url.h"
#include "libvideocall/websocket/frames.h"
#include "libvideocall/websocket/socket_stream.h"
#include "libvideocall/websocket/upgrade.h"

namespace videocall::websocket {

class FleetSession;

// What a session needs of its fleet.
class FleetHost {
 public:
  virtual ~FleetHost() = default;
  // Wants its visit() before the loop waits again.
  virtual void touch(FleetSession& session) = 0;
  // Watches the session's socket for |events| of epoll; 0: not at all, because
  // it is about to be closed.
  virtual void watch(FleetSession& session, uint32_t events) = 0;
  virtual std::span<uint8_t> read_buffer() = 0;
  virtual uint32_t random() = 0;
  virtual quic::FleetVisitor& visitor() = 0;
};

class FleetSession final : public quic::WebTransportSession,
                           private quic::ChannelVisitor,
                           private FrameVisitor {
 public:
  struct Start {
    quic::MeetingUrl url;
    std::vector<quic::SocketAddress> addresses;  // tried in turn
    std::shared_ptr<const ClientTls> tls;        // null: plain
    std::string client_name;
    Upgrade::Nonce nonce{};
    uint64_t bits_per_second = 0;  // at which it reads; 0: as fast as it comes
    Duration queue{0};             // what the kernel keeps of that
  };

  // |host| is borrowed.
  FleetSession(FleetHost& host, size_t index, Start start, Time now);

  // Starts towards the next address; Errc::io, Errc::tls: there is none left.
  Result<void> dial();
  // |events| of epoll came.
  void on_events(uint32_t events, Time now);
  // Sends what is there to send, and says what happened.
  void visit(Time now);
  Time next_timer() const;
  void on_timer(Time now);

  void send(const PacketRef& packet, Time now);
  void close(CloseCode code) { channel_->close(code, ""); }
  quic::ChannelStats channel_stats(Time now) const {
    return channel_->stats(now);
  }
  // Another takes its index: the visitor hears of it no more, and the
  // connection is given up.
  void abandon();

  [[nodiscard]] size_t index() const { return index_; }
  [[nodiscard]] int fd() const { return stream_ ? stream_->fd() : -1; }
  // Nothing happens in it any more.
  [[nodiscard]] bool over() const { return stage_ == Stage::over; }

  // state of the fleet
  bool touched = false;
  uint32_t watched = 0;

 private:
  enum class Stage : uint8_t { connecting, upgrading, open, closing, over };
  // How it ended, until that was told.
  struct End {
    CloseCode code;
    std::string reason;
    bool by_peer;
  };

  // -- WebTransportSession; streams are but names here ------------------------
  Result<quic::StreamId> open_uni() override { return ++last_stream_; }
  Result<quic::StreamId> open_bidi() override { return ++last_stream_; }
  void reset(quic::StreamId) override {}
  void stop_sending(quic::StreamId) override {}
  void finish(quic::StreamId) override {}
  void release_credit(quic::StreamId, size_t) override {}
  void close(CloseCode code, std::string_view reason) override;
  void drain() override {}
  void want_write() override { host_.touch(*this); }
  quic::TransportStats stats() const override;

  // -- ChannelVisitor ---------------------------------------------------------
  void on_open() override;
  void on_refused(int status, std::string_view reason) override;
  void on_packet(PacketRef packet, Time now) override;
  void on_draining() override {}
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override;

  // -- FrameVisitor -----------------------------------------------------------
  void on_message(Bytes message) override;
  void on_ping(Bytes payload) override;
  void on_close(uint16_t code, std::string_view reason) override;

  void establish(Time now);
  void read(Time now);
  void take(Bytes bytes, Time now);
  void on_upgraded(Time now);
  void on_read_error(const Error& error);
  bool write();
  void fill(Time now);
  void update_watch();
  void end(CloseCode code, std::string_view reason, bool by_peer);
  void tell_end(quic::FleetEnd how);
  void give_up();

  FleetHost& host_;  // borrowed
  const size_t index_;
  Start start_;
  size_t next_address_ = 0;
  Stage stage_ = Stage::connecting;
  std::unique_ptr<SocketStream> stream_;
  Upgrade upgrade_;
  FrameReader reader_;
  std::unique_ptr<quic::Channel> channel_;
  std::vector<uint8_t> out_;  // frames
  size_t out_sent_ = 0;       // of these
  std::optional<End> end_;
  bool was_open_ = false;
  bool told_ = false;  // the visitor knows that it ended
  Time now_;           // of the read that goes on
  Time may_read_;      // not before this
  Time deadline_;      // of being open, and of being closed
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  quic::StreamId last_stream_ = 0;
};

}  // namespace videocall::websocket
