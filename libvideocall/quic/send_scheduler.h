// SPDX-License-Identifier: MIT
// Everything that waits to be sent to one peer, and what goes next: RTT
// probes, control, audio, then pictures as quic/group_queue.h says. Bounded in
// bytes and in milliseconds (wire/limits.h): a peer that falls behind loses
// pictures, keeps its audio, and costs no more memory than that.
//
// Sans-I/O; one thread. A packet costs one queue node of a pool.
#pragma once

#include "libvideocall/quic/group_queue.h"
#include "libvideocall/quic/packet_queue.h"
#include "libvideocall/quic/webtransport.h"

namespace videocall::quic {

class SendScheduler final : public SendSource {
 public:
  // |server| sends groups on unidirectional streams, one layer of a track at a
  // time, and datagrams as large as the path; a client sends groups on
  // bidirectional streams and datagrams of at most limits::kMaxDatagramBytes.
  explicit SendScheduler(bool server);

  // |session| is borrowed until detach().
  void attach(WebTransportSession& session);
  // Lets go of all packets; nothing is offered or taken from then on.
  void detach();

  // -- Control ----------------------------------------------------------------
  // Client: opens the control stream with |connection| as soon as there is
  // stream credit. Nothing else goes out before release_hold().
  void start_control(PacketRef connection, Time now);
  // Server: the stream on which CONNECTION came.
  void set_control_stream(StreamId stream) { control_stream_ = stream; }
  StreamId control_stream() const { return control_stream_; }
  // Client: SESSION_ASSIGNED came. (A server's hold on the control stream ends
  // with the SESSION_ASSIGNED that it sends.)
  void release_hold() { held_ = false; }

  // Errc::limit: the control queue is full, the peer does not read; the session
  // must end. Media is dropped instead, and that is no error.
  Result<void> push(const PacketRef& packet, Time now);
  // An RTT probe or the echo of one; dropped if too many wait.
  void push_probe(const PacketRef& packet, Time now);

  // -- SendSource
  // ----------------------------------------------------------------
  SendItem next(Time now) override;
  void consumed(const SendItem& item, size_t size, bool fin) override;
  void datagram_refused(const SendItem& item) override;
  void stream_blocked(StreamId stream) override;
  void stream_unblocked(StreamId stream) override;
  void stream_stopped(StreamId stream) override;
  void streams_available() override;

  Time next_timer() const;
  void on_timer(Time now);

  bool empty() const { return queued_bytes() == 0; }
  size_t queued_bytes() const;
  Time oldest() const;  // Time::max() if nothing waits
  uint64_t packets_out() const { return packets_out_; }
  uint64_t bytes_out() const { return bytes_out_; }
  uint64_t dropped_audio() const { return dropped_audio_; }
  uint64_t dropped_video() const { return groups_.dropped(); }
  uint64_t groups_cut() const { return groups_.cut(); }

 private:
  // A queue whose frames go out on one stream.
  struct FrameStream {
    explicit FrameStream(PacketPool& pool) : queue(pool) {}
    PacketQueue queue;
    size_t head_sent = 0;
    bool blocked = false;
  };

  Result<void> push_control(const PacketRef& packet, Time now);
  void push_audio(const PacketRef& packet, Time now);
  void push_audio_frame(const PacketRef& packet, Time now);
  void expire_audio(Time now);
  SendItem most_urgent(Time now);
  SendItem next_control();
  SendItem next_audio_frame();
  SendItem frame_of(const FrameStream& stream, StreamId id) const;
  SendItem datagram_of(const PacketQueue& queue) const;
  void consumed_frame(FrameStream& stream, size_t size);
  size_t max_datagram(Time now) const;
  void set_blocked(StreamId stream, bool blocked);
  bool busy() const;  // media waits

  const bool server_;
  WebTransportSession* session_ = nullptr;  // borrowed
  PacketPool pool_;                         // before all queues
  PacketQueue probes_;
  FrameStream control_;
  PacketQueue audio_datagrams_;
  FrameStream audio_frames_;  // what fits no datagram
  GroupQueue groups_;
  StreamId control_stream_ = -1;
  StreamId audio_stream_ = -1;
  bool open_control_ = false;     // a client's, once there is credit
  bool held_ = true;              // before SESSION_ASSIGNED
  bool streams_blocked_ = false;  // open_* said would_block
  bool detached_ = false;
  size_t datagram_limit_ = SIZE_MAX;  // learnt from refusals
  Time datagram_limit_until_{};
  Time now_{};   // of the last call that had it
  Time tick_{};  // when to look at the age of media, while it waits
  Time idle_tick_ = Time::max();
  uint64_t packets_out_ = 0;
  uint64_t bytes_out_ = 0;
  uint64_t dropped_audio_ = 0;
};

}  // namespace videocall::quic
