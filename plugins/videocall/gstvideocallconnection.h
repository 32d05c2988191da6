// SPDX-License-Identifier: MIT
// One session of the meeting on behalf of the bins: it joins, connects, comes
// back after a loss, and carries packets meanwhile. Its state belongs to a
// thread of its own with a GMainContext; bins that name the same `connection`
// share one.
#pragma once

#include <gst/gst.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

#include "libvideocall/client/client_session.h"
#include "libvideocall/client/health.h"
#include "plugins/common/joinrequest.h"
#include "plugins/videocall/transportrace.h"

namespace videocall::gst {

// What a bin hears. on_media comes on the transport's streaming thread and must
// not block; all else on the connection's thread. None comes after
// Connection::remove has returned.
class ConnectionUser : public client::RosterObserver {
 public:
  virtual void on_state(const client::StateChange& change) = 0;
  virtual void on_media(const PacketRef& packet) = 0;
  virtual void on_keyframe_wanted(MediaKind kind, unsigned layer) = 0;
  // Bit i of |layers| is layer i.
  virtual void on_layers_wanted(MediaKind, uint32_t) {}
  // Twice a second while connected.
  virtual void on_pulse() {}
  // Every 5 s while connected.
  virtual void on_tick() = 0;
  // What MEMBER_STATE says is the sum of what all users send.
  virtual client::OwnState own_state() const = 0;
};

class Connection final : private client::ClientSessionOwner,
                         private TransportVisitor {
 public:
  struct Settings {
    std::string location;
    std::string meeting;
    std::string user;
    std::string display_name;
    bool insecure_skip_verify = false;
    std::string keylog_file;
    quic::CongestionControl congestion_control =
        quic::kDefaultCongestionControl;
    std::string transport;  // the one kind to use; empty: any
    bool operator==(const Settings&) const = default;
  };

  // The live connection called |name| or a new one; an empty name is shared
  // with nobody. |wants_video| counts for those: a connection that others may
  // join always takes what the server sends. Errc::invalid_argument if the
  // live one has other settings.
  static Result<std::shared_ptr<Connection>> acquire(const std::string& name,
                                                     const Settings& settings,
                                                     bool wants_video);
  Connection(const Settings& settings, bool wants_video);
  ~Connection() override;

  // |user| is borrowed until remove(). The first one starts the connection;
  // one that comes later hears at once who is there.
  void add(ConnectionUser* user);
  // The last one leaves the meeting and waits until that is done.
  void remove(ConnectionUser* user);

  // -- Any thread
  // -------------------------------------------------------------- Sends
  // |packet|; dropped without a word while there is no session.
  void push(PacketRef packet);
  void request_keyframe(uint64_t session_id, MediaKind kind, unsigned layer);
  // A user's own_state has changed.
  void own_state_changed();
  client::State state() const { return state_; }
  // Fields of the transport's sink, and rtt-ms, loss-percent (double),
  // transport (string; empty: not connected), state (string), session-id
  // (uint64), members (uint), reconnects (uint).
  StructurePtr stats() const;

 private:
  // -- ClientSessionOwner, on the thread
  // ------------------------------------------
  void start_join() override;
  void start_connect(
      const std::vector<client::ConnectTarget>& targets) override;
  void abandon(CloseCode code) override;
  void send(PacketRef packet) override { push(std::move(packet)); }
  void on_state(const client::StateChange& change) override;
  void on_keyframe_wanted(MediaKind kind, unsigned layer) override;
  void on_layers_wanted(MediaKind kind, uint32_t layers) override;
  void on_member_joined(const client::Member& member) override;
  void on_member_changed(const client::Member& member) override;
  void on_member_left(const client::Member& member,
                      const std::string& reason) override;

  // -- TransportVisitor
  // -------------------------------------------------------------
  void on_packets(std::vector<PacketRef> packets) override;
  void on_refused(int status, const std::string& reason) override;
  void on_disconnected(CloseCode code, const std::string& reason) override;
  void on_draining() override;

  void run();
  void start_thread();
  void stop_thread();
  // Runs |task| on the thread, later; nowhere if there is none.
  void invoke(std::function<void()> task);
  void arm();
  void on_timer();
  void send_health();
  void drop_transport(CloseCode code = CloseCode::left);
  void each_user(const std::function<void(ConnectionUser&)>& call);

  const Settings settings_;
  const bool wants_video_;
  std::thread thread_;
  std::mutex context_lock_;          // guards the pointer
  GMainContext* context_ = nullptr;  // owned
  GMainLoop* loop_ = nullptr;        // owned

  std::shared_mutex users_lock_;  // guards users_; held while they are called
  std::vector<ConnectionUser*> users_;
  std::mutex life_lock_;  // guards the thread's start and end

  mutable std::mutex transport_lock_;  // guards the pointer, not the transport
  std::shared_ptr<TransportRace> transport_;

  std::mutex health_lock_;  // guards health_
  client::HealthReporter health_;

  std::atomic<client::State> state_{client::State::idle};
  std::atomic<uint64_t> session_id_{0};
  std::atomic<unsigned> members_{0};
  std::atomic<unsigned> reconnects_{0};

  // State of the thread.
  std::optional<client::ClientSession> session_;
  std::optional<JoinRequest> join_;
  GSource* timer_ = nullptr;
  Time next_tick_{};
  Time next_pulse_{};
};

}  // namespace videocall::gst
