// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/fleet_session.h"

#include <sys/epoll.h>

#include <algorithm>

#include "libvideocall/quic/connection_packet.h"
#include "libvideocall/wire/limits.h"

namespace videocall::websocket {
namespace {

// What is kept of frames that the socket did not take.
constexpr size_t kMaxUnsent = limits::kMaxUnsentSocketBytes;
// A narrow link delivers in pieces of this time.
constexpr auto kNarrowPiece = 20ms;
constexpr size_t kMinNarrowPiece = 512;

size_t bytes_within(uint64_t bits_per_second, Duration time) {
  return static_cast<size_t>(static_cast<double>(bits_per_second) / 8 *
                             std::chrono::duration<double>(time).count());
}

Duration time_of(size_t bytes, uint64_t bits_per_second) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(
      static_cast<double>(bytes) * 8 / static_cast<double>(bits_per_second)));
}

}  // namespace

FleetSession::FleetSession(FleetHost& host, size_t index, Start start, Time now)
    : host_(host),
      index_(index),
      start_(std::move(start)),
      upgrade_(start_.nonce),
      reader_(limits::kMaxStampedPacketBytes),
      channel_(quic::Channel::create(quic::Channel::Role::client, *this, now)),
      now_(now),
      may_read_(now),
      deadline_(now + limits::kConnectTimeout) {
  channel_->set_connection_packet(
      quic::make_connection_packet(start_.client_name));
}

// -- Coming up ----------------------------------------------------------------

Result<void> FleetSession::dial() {
  Error last{Errc::io, "no address"};
  while (next_address_ < start_.addresses.size()) {
    host_.watch(*this, 0);
    auto opened = SocketStream::open(
        start_.addresses[next_address_++], start_.tls, start_.url.host,
        bytes_within(start_.bits_per_second, start_.queue));
    if (opened) {
      stream_ = std::move(*opened);
      host_.watch(*this, EPOLLIN | EPOLLOUT);
      return {};
    }
    last = opened.error();
  }
  return last;
}

void FleetSession::establish(Time now) {
  auto up = stream_->establish();
  if (!up && up.error().code == Errc::would_block) {
    host_.watch(*this, stream_->wants_read() ? EPOLLIN : EPOLLOUT);
    return;
  }
  if (!up && up.error().code == Errc::io) {
    const std::string why = up.error().message;
    if (!dial()) channel_->on_refused(0, why);
    return;
  }
  if (!up) {
    channel_->on_refused(0, up.error().message);
    return;
  }
  stage_ = Stage::upgrading;
  const std::string request = upgrade_.request(start_.url, start_.client_name);
  out_.insert(out_.end(), request.begin(), request.end());
  start_.url.path_and_query.clear();  // the token
  host_.touch(*this);
  read(now);
}

void FleetSession::on_upgraded(Time) {
  const Upgrade::Outcome& outcome = upgrade_.outcome();
  if (outcome.status != 101) {
    channel_->on_refused(outcome.status, outcome.reason);
    return;
  }
  stage_ = Stage::open;
  deadline_ = Time::max();
  channel_->attach(*this);
  channel_->on_established();
  host_.touch(*this);
}

// -- Reading ------------------------------------------------------------------

void FleetSession::on_events(uint32_t events, Time now) {
  if (stage_ == Stage::connecting)
    establish(now);
  else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
    read(now);
  if (!over()) host_.touch(*this);
}

// Reads until nothing is there, or others are to have their turn; what is left
// in the socket is told of again.
void FleetSession::read(Time now) {
  now_ = now;
  std::span<uint8_t> buffer = host_.read_buffer();
  if (start_.bits_per_second > 0)
    buffer = buffer.first(
        std::clamp(bytes_within(start_.bits_per_second, kNarrowPiece),
                   kMinNarrowPiece, buffer.size()));
  size_t left = limits::kMaxWebSocketBytesPerTurn;
  while (!over() && (left > 0 || stream_->has_pending())) {
    if (start_.bits_per_second > 0 && now < may_read_) return;
    auto got = stream_->read(buffer);
    if (!got) {
      on_read_error(got.error());
      return;
    }
    bytes_in_ += *got;
    left -= std::min(left, *got);
    if (start_.bits_per_second > 0)
      may_read_ = std::max(may_read_, now - kNarrowPiece) +
                  time_of(*got, start_.bits_per_second);
    take(buffer.first(*got), now);
    // A plain socket that gave less than it could has no more.
    if (!start_.tls && *got < buffer.size()) return;
  }
}

void FleetSession::take(Bytes bytes, Time now) {
  if (stage_ == Stage::upgrading) {
    bytes = bytes.subspan(upgrade_.feed(bytes));
    if (!upgrade_.outcome().done) return;
    on_upgraded(now);
  }
  if (stage_ != Stage::open && stage_ != Stage::closing) return;
  auto fed = reader_.feed(bytes, *this);
  if (!fed && stage_ == Stage::open)
    channel_->close(CloseCode::protocol_error, fed.error().message);
}

void FleetSession::on_read_error(const Error& error) {
  if (error.code == Errc::would_block) return;
  if (stage_ == Stage::upgrading) {
    upgrade_.end();
    on_upgraded(now_);
    return;
  }
  end(CloseCode::idle, "connection lost", false);
  give_up();
}

void FleetSession::on_message(Bytes message) {
  if (stage_ == Stage::open) channel_->on_message(message, now_);
}

void FleetSession::on_ping(Bytes payload) {
  // Who does not read the answers gets no more of them.
  if (out_.size() - out_sent_ < kMaxUnsent)
    append_frame(out_, Opcode::pong, payload, host_.random());
}

void FleetSession::on_close(uint16_t code, std::string_view reason) {
  if (stage_ == Stage::open) {
    append_close(out_, code == kCloseWithoutStatus ? kCloseNormal : code, "",
                 host_.random());
    if (code >= kCloseCodeBase && code <= kMaxCloseCode)
      end(static_cast<CloseCode>(code - kCloseCodeBase), reason, true);
    else if (code == kCloseNormal)
      end(CloseCode::left, reason, true);
    else
      end(CloseCode::idle, "connection lost", false);
  }
  // Both have said it; the rest is TCP's.
  stage_ = Stage::closing;
  deadline_ = now_;
  host_.touch(*this);
}

// -- Writing ------------------------------------------------------------------

void FleetSession::send(const PacketRef& packet, Time now) {
  channel_->send(packet, now);
  channel_->flush();
}

// Sends what out_ holds; true: all of it.
bool FleetSession::write() {
  while (out_sent_ < out_.size()) {
    auto took =
        stream_->write(Bytes(out_.data() + out_sent_, out_.size() - out_sent_));
    if (!took) {
      // A connection that broke says so when it is read.
      return false;
    }
    out_sent_ += *took;
    bytes_out_ += *took;
  }
  out_.clear();
  out_sent_ = 0;
  return true;
}

// Puts into out_ what is most urgent, one message a packet.
void FleetSession::fill(Time now) {
  while (stage_ == Stage::open && out_.size() - out_sent_ < kMaxUnsent) {
    const quic::SendItem item = channel_->next(now);
    if (item.kind == quic::SendItem::Kind::none) return;
    if (item.packet && !item.bytes.empty())
      append_frame(out_, Opcode::binary, item.packet->bytes(), host_.random());
    channel_->consumed(item, item.bytes.size(), item.fin);
  }
}

void FleetSession::visit(Time now) {
  if (over()) {
    stream_.reset();
    return;
  }
  if (stage_ != Stage::connecting) {
    do {
      if (!write()) break;
      fill(now);
    } while (!out_.empty());
  }
  if (end_) {
    const End how = std::move(*end_);
    end_.reset();
    channel_->on_closed(how.code, how.reason, how.by_peer);
  }
  update_watch();
}

void FleetSession::update_watch() {
  if (over() || stage_ == Stage::connecting) return;
  const bool narrow = start_.bits_per_second > 0 && now_ < may_read_;
  host_.watch(*this, (narrow ? 0u : uint32_t{EPOLLIN}) |
                         (out_.empty() ? 0u : uint32_t{EPOLLOUT}));
}

// -- Time ---------------------------------------------------------------------

Time FleetSession::next_timer() const {
  if (over()) return Time::max();
  Time next = deadline_;
  if (start_.bits_per_second > 0 && now_ < may_read_)
    next = std::min(next, may_read_);
  return stage_ == Stage::open ? std::min(next, channel_->next_timer()) : next;
}

void FleetSession::on_timer(Time now) {
  if (over()) return;
  if (now >= deadline_) {
    if (stage_ == Stage::closing)
      give_up();
    else
      channel_->on_refused(0, "no answer in time");
    return;
  }
  if (stage_ == Stage::open && now >= channel_->next_timer())
    channel_->on_timer(now);
  now_ = now;
  // No event tells of what TLS has read already.
  if (!over() && stream_->has_pending()) read(now);
  host_.touch(*this);
}

quic::TransportStats FleetSession::stats() const {
  quic::TransportStats stats;
  stats.bytes_sent = bytes_out_;
  stats.bytes_received = bytes_in_;
  return stats;
}

// -- The end ------------------------------------------------------------------

void FleetSession::close(CloseCode code, std::string_view reason) {
  if (stage_ != Stage::open) return;
  append_close(
      out_, static_cast<uint16_t>(kCloseCodeBase + static_cast<uint32_t>(code)),
      reason, host_.random());
  stage_ = Stage::closing;
  deadline_ = Clock::now() + limits::kCloseLinger;
  end(code, reason, false);
}

void FleetSession::end(CloseCode code, std::string_view reason, bool by_peer) {
  if (end_ || told_) return;
  end_ = End{code, std::string(reason), by_peer};
  host_.touch(*this);
}

void FleetSession::give_up() {
  if (over()) return;
  stage_ = Stage::over;
  stream_->shut_down();
  host_.watch(*this, 0);
  host_.touch(*this);
  if (end_) {
    const End how = std::move(*end_);
    end_.reset();
    channel_->on_closed(how.code, how.reason, how.by_peer);
  }
}

void FleetSession::abandon() {
  told_ = true;
  if (stage_ == Stage::open) {
    append_close(out_, kCloseCodeBase, "", host_.random());
    write();
  }
  if (over()) return;
  stage_ = Stage::over;
  if (stream_) stream_->shut_down();
  host_.watch(*this, 0);
}

void FleetSession::tell_end(quic::FleetEnd how) {
  if (std::exchange(told_, true)) return;
  how.was_open = was_open_;
  host_.visitor().on_ended(index_, how, Clock::now());
}

void FleetSession::on_open() {
  if (told_) return;
  was_open_ = true;
  host_.visitor().on_open(index_, Clock::now());
}

void FleetSession::on_refused(int status, std::string_view reason) {
  stage_ = Stage::over;
  host_.watch(*this, 0);
  host_.touch(*this);
  tell_end({false, status, CloseCode::left, true, reason});
}

void FleetSession::on_packet(PacketRef packet, Time now) {
  if (!told_) host_.visitor().on_packet(index_, *packet, now);
}

void FleetSession::on_closed(CloseCode code, std::string_view reason,
                             bool by_peer) {
  tell_end({true, 0, code, by_peer, reason});
}

}  // namespace videocall::websocket
