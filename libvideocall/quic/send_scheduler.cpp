// SPDX-License-Identifier: MIT
#include "libvideocall/quic/send_scheduler.h"

#include <algorithm>

namespace videocall::quic {
namespace {

GroupQueue::Options group_options(bool server) {
  GroupQueue::Options options;
  options.bidirectional = !server;
  options.one_layer_at_a_time = server;
  options.max_bytes = limits::kMaxSendQueueBytes - limits::kMaxAudioQueueBytes;
  return options;
}

}  // namespace

SendScheduler::SendScheduler(bool server)
    : server_(server),
      probes_(pool_),
      control_(pool_),
      audio_datagrams_(pool_),
      audio_frames_(pool_),
      groups_(pool_, group_options(server)) {}

void SendScheduler::attach(WebTransportSession& session) {
  session_ = &session;
  groups_.attach(session_);
}

void SendScheduler::detach() {
  session_ = nullptr;
  groups_.attach(nullptr);
  groups_.clear();
  probes_.clear();
  control_.queue.clear();
  audio_datagrams_.clear();
  audio_frames_.queue.clear();
  idle_tick_ = Time::max();
  detached_ = true;
}

void SendScheduler::start_control(PacketRef connection, Time now) {
  control_.queue.push_front(std::move(connection), now);
  open_control_ = true;
}

Result<void> SendScheduler::push(const PacketRef& packet, Time now) {
  now_ = now;
  if (detached_) return {};
  const PacketFields& fields = packet->fields();
  const bool was_busy = busy();
  if (is_control(fields.type)) return push_control(packet, now);
  if (fields.type == PacketType::rtt) {
    push_probe(packet, now);
  } else if (fields.media_headers == 1 && fields.kind == MediaKind::audio) {
    push_audio(packet, now);
  } else if (fields.media_headers == 1 &&
             fields.kind != MediaKind::unspecified) {
    groups_.push(packet, now);
  }
  if (!was_busy && busy()) tick_ = now + limits::kSendQueueTick;
  if (idle_tick_ == Time::max() && groups_.has_tracks())
    idle_tick_ = now + limits::kIdleTrackTimeout / 3;
  return {};
}

Result<void> SendScheduler::push_control(const PacketRef& packet, Time now) {
  const size_t bytes = control_.queue.bytes() + packet->framed().size();
  if (bytes > limits::kMaxControlQueueBytes)
    return Error{Errc::limit, "too much control data waits to be read"};
  if (server_ && packet->fields().type == PacketType::session_assigned) {
    held_ = false;
    // Whatever else the router said already comes behind it.
    if (control_.head_sent == 0) {
      control_.queue.push_front(packet, now);
      return {};
    }
  }
  control_.queue.push_back(packet, now);
  return {};
}

void SendScheduler::push_probe(const PacketRef& packet, Time now) {
  now_ = now;
  if (detached_ || packet->size() > limits::kMaxDatagramBytes) return;
  if (probes_.count() >= limits::kMaxQueuedProbes) probes_.pop_front();
  probes_.push_back(packet, now);
}

void SendScheduler::push_audio(const PacketRef& packet, Time now) {
  expire_audio(now);
  if (packet->size() > max_datagram(now)) {
    push_audio_frame(packet, now);
    return;
  }
  audio_datagrams_.push_back(packet, now);
  while (audio_datagrams_.bytes() + audio_frames_.queue.bytes() >
         limits::kMaxAudioQueueBytes) {
    if (audio_datagrams_.empty()) break;
    audio_datagrams_.pop_front();
    ++dropped_audio_;
  }
}

void SendScheduler::push_audio_frame(const PacketRef& packet, Time now) {
  if (audio_datagrams_.bytes() + audio_frames_.queue.bytes() +
          packet->framed().size() >
      limits::kMaxAudioQueueBytes) {
    ++dropped_audio_;
    return;
  }
  audio_frames_.queue.push_back(packet, now);
}

void SendScheduler::expire_audio(Time now) {
  const Time limit = now - limits::kMaxAudioQueueDelay;
  while (!audio_datagrams_.empty() && audio_datagrams_.front_queued() < limit) {
    audio_datagrams_.pop_front();
    ++dropped_audio_;
  }
  // A frame that has begun to go out is finished.
  while (!audio_frames_.queue.empty() && audio_frames_.head_sent == 0 &&
         audio_frames_.queue.front_queued() < limit) {
    audio_frames_.queue.pop_front();
    ++dropped_audio_;
  }
}

// What the contract allows; the path may allow less, which a refusal tells.
size_t SendScheduler::max_datagram(Time now) const {
  const size_t allowed =
      limits::kMaxDatagramBytes + (server_ ? limits::kMaxStampBytes : 0);
  return now < datagram_limit_until_ ? std::min(allowed, datagram_limit_)
                                     : allowed;
}

SendItem SendScheduler::next(Time now) {
  SendItem item = most_urgent(now);
  // What is due anyway shares a QUIC packet.
  const size_t own = item.packet ? item.packet->framed().size() : 0;
  item.more = item.more || queued_bytes() > own;
  return item;
}

SendItem SendScheduler::most_urgent(Time now) {
  now_ = now;
  if (!session_) return {};
  if (!probes_.empty() && (server_ || !held_)) return datagram_of(probes_);
  if (SendItem item = next_control(); item.kind != SendItem::Kind::none)
    return item;
  if (held_ && !server_) return {};
  expire_audio(now);
  if (!audio_datagrams_.empty()) return datagram_of(audio_datagrams_);
  if (SendItem item = next_audio_frame(); item.kind != SendItem::Kind::none)
    return item;
  return groups_.next(now);
}

SendItem SendScheduler::next_control() {
  if (open_control_ && !streams_blocked_) {
    auto stream = session_->open_bidi();
    streams_blocked_ = !stream;
    open_control_ = !stream;
    if (stream) control_stream_ = *stream;
  }
  if (control_stream_ < 0 || control_.blocked || control_.queue.empty())
    return {};
  // Before SESSION_ASSIGNED a client says CONNECTION and a server nothing.
  const PacketType first = control_.queue.front()->fields().type;
  if (held_ && (server_ || first != PacketType::connection)) return {};
  return frame_of(control_, control_stream_);
}

SendItem SendScheduler::next_audio_frame() {
  if (audio_frames_.blocked || audio_frames_.queue.empty()) return {};
  if (audio_stream_ < 0) {
    if (streams_blocked_) return {};
    auto stream = session_->open_uni();
    streams_blocked_ = !stream;
    if (!stream) return {};
    audio_stream_ = *stream;
  }
  return frame_of(audio_frames_, audio_stream_);
}

SendItem SendScheduler::frame_of(const FrameStream& stream, StreamId id) const {
  SendItem item;
  item.kind = SendItem::Kind::stream;
  item.stream = id;
  item.packet = stream.queue.front();
  item.bytes = item.packet->framed().subspan(stream.head_sent);
  return item;
}

SendItem SendScheduler::datagram_of(const PacketQueue& queue) const {
  SendItem item;
  item.kind = SendItem::Kind::datagram;
  item.packet = queue.front();
  item.bytes = item.packet->bytes();
  return item;
}

void SendScheduler::consumed(const SendItem& item, size_t size, bool fin) {
  if (item.packet && size == item.bytes.size()) {
    ++packets_out_;
    bytes_out_ += item.packet->size();
  }
  if (item.kind == SendItem::Kind::datagram) {
    if (!probes_.empty() && probes_.front() == item.packet)
      probes_.pop_front();
    else if (!audio_datagrams_.empty() &&
             audio_datagrams_.front() == item.packet)
      audio_datagrams_.pop_front();
  } else if (item.stream == control_stream_) {
    consumed_frame(control_, size);
  } else if (item.stream == audio_stream_) {
    consumed_frame(audio_frames_, size);
  } else {
    groups_.consumed(item, size, fin, now_);
  }
}

void SendScheduler::consumed_frame(FrameStream& stream, size_t size) {
  if (stream.queue.empty()) return;
  stream.head_sent += size;
  if (stream.head_sent < stream.queue.front()->framed().size()) return;
  stream.queue.pop_front();
  stream.head_sent = 0;
}

void SendScheduler::datagram_refused(const SendItem& item) {
  if (!probes_.empty() && probes_.front() == item.packet) {
    probes_.pop_front();
    return;
  }
  if (item.bytes.empty() || audio_datagrams_.empty() ||
      audio_datagrams_.front() != item.packet)
    return;
  // Later ones of that size save themselves the detour for a while; then one
  // is tried again, since path MTU discovery may have found more room.
  datagram_limit_ = item.bytes.size() - 1;
  datagram_limit_until_ = now_ + limits::kDatagramLimitLifetime;
  const Time queued = audio_datagrams_.front_queued();
  push_audio_frame(audio_datagrams_.pop_front(), queued);
}

void SendScheduler::stream_blocked(StreamId stream) {
  set_blocked(stream, true);
}

void SendScheduler::stream_unblocked(StreamId stream) {
  set_blocked(stream, false);
}

void SendScheduler::set_blocked(StreamId stream, bool blocked) {
  if (stream < 0) return;
  if (stream == control_stream_)
    control_.blocked = blocked;
  else if (stream == audio_stream_)
    audio_frames_.blocked = blocked;
  else
    groups_.set_blocked(stream, blocked);
}

void SendScheduler::stream_stopped(StreamId stream) {
  if (stream < 0 || stream == control_stream_) return;
  if (stream != audio_stream_) {
    groups_.stopped(stream);
    return;
  }
  audio_stream_ = -1;
  audio_frames_.blocked = false;
  if (audio_frames_.head_sent > 0) {
    audio_frames_.queue.pop_front();
    audio_frames_.head_sent = 0;
    ++dropped_audio_;
  }
}

void SendScheduler::streams_available() {
  streams_blocked_ = false;
  groups_.streams_available();
}

// While media waits its age is looked at every tick; open groups whose sender
// has gone are ended much later.
Time SendScheduler::next_timer() const {
  const Time tick = busy() ? tick_ : Time::max();
  return std::min(tick, idle_tick_);
}

void SendScheduler::on_timer(Time now) {
  now_ = now;
  const bool tick = busy() && now >= tick_;
  if (!tick && now < idle_tick_) return;
  expire_audio(now);
  groups_.on_timer(now);
  tick_ = now + limits::kSendQueueTick;
  if (now >= idle_tick_)
    idle_tick_ = groups_.has_tracks() ? now + limits::kIdleTrackTimeout / 3
                                      : Time::max();
}

bool SendScheduler::busy() const {
  return groups_.busy() || !audio_datagrams_.empty() ||
         !audio_frames_.queue.empty();
}

size_t SendScheduler::queued_bytes() const {
  return probes_.bytes() + control_.queue.bytes() + audio_datagrams_.bytes() +
         audio_frames_.queue.bytes() + groups_.bytes();
}

Time SendScheduler::oldest() const {
  Time oldest = groups_.oldest();
  for (const PacketQueue* queue :
       {&probes_, &control_.queue, &audio_datagrams_, &audio_frames_.queue})
    if (!queue->empty()) oldest = std::min(oldest, queue->front_queued());
  return oldest;
}

}  // namespace videocall::quic
