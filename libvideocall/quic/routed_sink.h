// SPDX-License-Identifier: MIT
// Where a shard's connections write to: finds the socket of each train, and
// counts what a visit sent.
#pragma once

#include <functional>
#include <utility>

#include "libvideocall/quic/connection.h"

namespace videocall::quic {

class RoutedSink final : public PacketSink {
 public:
  explicit RoutedSink(std::function<PacketSink*(const Path&)> find)
      : find_(std::move(find)) {}
  void send(const Path& path, Bytes bytes, size_t segment_size,
            unsigned ecn) override {
    sent_ += bytes.size();
    if (PacketSink* sink = find_(path))
      sink->send(path, bytes, segment_size, ecn);
  }
  size_t sent() const { return sent_; }

 private:
  std::function<PacketSink*(const Path&)> find_;
  size_t sent_ = 0;
};

}  // namespace videocall::quic
