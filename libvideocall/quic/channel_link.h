// SPDX-License-Identifier: MIT
// Between a client's connection and its channel, which is attached once the
// session is established: what is said of the session goes on to the channel.
#pragma once

#include <memory>
#include <string_view>

#include "libvideocall/quic/channel.h"
#include "libvideocall/quic/webtransport.h"

namespace videocall::quic {

class ChannelLink : public SessionVisitor {
 public:
  // |channel|: its owner's; there whenever anything is said.
  explicit ChannelLink(const std::unique_ptr<Channel>& channel)
      : channel_(channel) {}

  // Where the channel is to be attached; on_established() remains to be said.
  void on_established() override = 0;
  void on_refused(int status, std::string_view reason) override {
    channel_->on_refused(status, reason);
  }
  void on_stream_data(StreamId stream, bool bidirectional, Bytes bytes,
                      bool fin, Time now) override {
    channel_->on_stream_data(stream, bidirectional, bytes, fin, now);
  }
  void on_stream_reset(StreamId stream, Time now) override {
    channel_->on_stream_reset(stream, now);
  }
  void on_datagram(Bytes payload, Time now) override {
    channel_->on_datagram(payload, now);
  }
  void on_draining() override { channel_->on_draining(); }
  void on_closed(CloseCode code, std::string_view reason,
                 bool by_peer) override {
    channel_->on_closed(code, reason, by_peer);
  }

 private:
  const std::unique_ptr<Channel>& channel_;
};

}  // namespace videocall::quic
