// SPDX-License-Identifier: MIT
// One open WebSocket, for a channel: what the channel has to send goes out as
// one message a packet, as fast as the socket takes it and no faster, small
// ones that go at once in one write, and what comes is checked while it comes.
// Server and client side. Belongs to the thread of the loop whose main context
// was the thread's default when it was made.
#pragma once

#include <gio/gio.h>

#include <memory>
#include <string>
#include <vector>

#include "libvideocall/quic/webtransport.h"
#include "libvideocall/websocket/frame_guard.h"
#include "libvideocall/wire/close_code.h"
#include "plugins/websocket/tappedstream.h"

using SoupWebsocketConnection =  // NOLINT: libsoup's name
    struct _SoupWebsocketConnection;

namespace videocall::websocket {

class LinkVisitor {
 public:
  virtual ~LinkVisitor() = default;
  virtual void on_message(Bytes message, Time now) = 0;
  // The peer broke the contract; the session is to be closed.
  virtual void on_violation(const Error& error, Time now) = 0;
  // The session is over. Exactly once; after close() with what that said.
  virtual void on_link_closed(CloseCode code, std::string_view reason,
                              bool by_peer) = 0;
  // Wants its visit() soon.
  virtual void wants_visit() = 0;
  // The number of the loop's turn; each link reads so much in one.
  virtual uint64_t turn() const = 0;
};

class Link final : public quic::WebTransportSession, private StreamTap {
 public:
  enum class Side { server, client };

  // |stream| is open and upgraded; a reference is taken. |visitor| is
  // borrowed.
  Link(GIOStream* stream, Side side, LinkVisitor& visitor);
  ~Link() override;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // Tells the visitor what happened; then sends what |source| offers while the
  // socket takes it.
  void visit(quic::SendSource& source, Time now);
  Time next_timer() const;
  void on_timer(Time now);
  // Closed, and so is the connection below, or it had time enough for that.
  bool finished() const { return gone_ || expired_; }

  // -- WebTransportSession; streams are but names here ------------------------
  Result<quic::StreamId> open_uni() override { return ++last_stream_; }
  Result<quic::StreamId> open_bidi() override { return ++last_stream_; }
  void reset(quic::StreamId) override {}
  void stop_sending(quic::StreamId) override {}
  void finish(quic::StreamId) override {}
  void release_credit(quic::StreamId, size_t) override {}
  void close(CloseCode code, std::string_view reason) override;
  void drain() override {}  // WebSocket has no word for it
  void want_write() override { visitor_.wants_visit(); }
  quic::TransportStats stats() const override;

 private:
  // How it ended, until that was told.
  struct End {
    CloseCode code = CloseCode::idle;
    std::string reason;
    bool by_peer = false;
  };

  // StreamTap
  size_t may_read() override;
  bool on_read(Bytes bytes) override;
  Way on_write(Bytes bytes) override;
  void on_written(size_t size) override;

  bool is_open() const;
  void send(Bytes packet, Time now);
  // Given to libsoup and not yet taken by the socket.
  uint64_t pending() const {
    return handed_ > written_ ? handed_ - written_ : 0;
  }
  bool flush();
  void wait_for_room();
  void stop_waiting();
  void tell();
  void end(End how);
  void handle_closed();

  const Side side_;
  LinkVisitor& visitor_;                     // borrowed
  GSocket* socket_ = nullptr;                // owned; nullptr: none was found
  GIOStream* stream_ = nullptr;              // owned; the tapped one
  GPollableOutputStream* output_ = nullptr;  // borrowed of it: what is below
  SoupWebsocketConnection* connection_ = nullptr;  // owned

  FrameGuard guard_;
  Result<void> verdict_;  // of the guard
  bool verdict_told_ = false;
  std::string trouble_;  // what libsoup did not like
  std::unique_ptr<End> end_;
  bool end_told_ = false;
  bool closing_ = false;  // by us
  bool gone_ = false;     // the connection below is closed
  bool expired_ = false;  // the peer did not answer our close in time
  bool visiting_ = false;
  Time linger_until_ = Time::max();

  uint64_t turn_ = 0;
  size_t read_in_turn_ = 0;
  uint64_t read_ = 0;
  uint64_t handed_ = 0;
  uint64_t written_ = 0;       // or held
  std::vector<uint8_t> held_;  // small frames of a visit, written as one
  GSource* room_ = nullptr;    // owned; while the socket does not take them
  Time stalled_since_ = Time::max();  // while anything is pending
  quic::StreamId last_stream_ = 0;
};

}  // namespace videocall::websocket
