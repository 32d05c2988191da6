// SPDX-License-Identifier: MIT
// A connection over one of several transports: the best one has a head start,
// then whichever is up first (docs/wire-protocol.md, section 3.2). It speaks
// for the one that won, and for none before; the others are given up. Made,
// started and stopped on one thread with a main context; push() from any.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "plugins/videocall/transport.h"

namespace videocall::gst {

class TransportRace {
 public:
  // |all| are in order of preference, not empty. |visitor| is borrowed;
  // |context| is that of the calling thread. nullptr if elements are missing.
  static std::unique_ptr<TransportRace> create(
      const std::vector<Transport::Options>& all, TransportVisitor& visitor,
      GMainContext* context);
  ~TransportRace();
  TransportRace(const TransportRace&) = delete;
  TransportRace& operator=(const TransportRace&) = delete;

  void start();
  // See Transport::stop().
  void stop(CloseCode code = CloseCode::left);
  // Dropped before there is a winner: no session has begun.
  void push(PacketRef packet);
  // Of the winner; nullptr before there is one.
  StructurePtr stats() const;
  // "webtransport", "websocket"; empty before there is a winner.
  std::string kind() const;

 private:
  struct Runner;

  TransportRace(TransportVisitor& visitor, GMainContext* context);
  void start_next();
  void arm();
  bool wins(Runner& runner);
  void drop_losers();
  void on_over(Runner& runner, bool answered);
  void disarm(GSource*& source);

  TransportVisitor& visitor_;    // borrowed
  GMainContext* const context_;  // borrowed
  std::vector<std::unique_ptr<Runner>> runners_;
  size_t started_ = 0;
  std::atomic<Runner*> winner_{nullptr};
  GSource* head_start_ = nullptr;  // owned
  GSource* finish_ = nullptr;      // owned: drops the losers
};

}  // namespace videocall::gst
