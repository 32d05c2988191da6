// SPDX-License-Identifier: MIT
#include "libvideocall/quic/h3_session.h"

#include <algorithm>

#include "libvideocall/base/log.h"

namespace videocall::quic {
namespace {

// What an admitted client may have on its way to us beyond the window of one
// that has not been: enough for a packet of the greatest size.
constexpr uint64_t kAdmittedDataWindow = 1024 * 1024;

// A frame of a type that is reserved to be ignored (RFC 9114, section 7.2.8),
// and has one byte.
constexpr std::array<uint8_t, 3> kFiller = {0x21, 1, 0};

// After our FIN was acknowledged a peer that does not answer it gets this.
constexpr auto kAckedLinger = 200ms;

}  // namespace

H3Session::H3Session(bool server, QuicTransport& transport,
                     ConnectHandler& handler, Duration request_timeout,
                     uint64_t max_lifetime_uni_streams)
    : server_(server),
      transport_(transport),
      handler_(handler),
      request_timeout_(request_timeout),
      max_lifetime_uni_streams_(max_lifetime_uni_streams) {}

void H3Session::Preamble::append(uint64_t value) {
  const uint8_t* end = h3::put_varint(data.data() + size, value);
  size = static_cast<size_t>(end - data.data());
}

void H3Session::prepare_request(const Connection::ClientStart& start) {
  request_ = start;
  visitor_ = start.visitor;
  source_ = start.source;
}

void H3Session::set_session(StreamId connect_stream) {
  connect_stream_ = connect_stream;
  const auto id = static_cast<uint64_t>(connect_stream);
  uni_preamble_.append(h3::kStreamWebTransport);
  uni_preamble_.append(id);
  bidi_preamble_.append(h3::kFrameWebTransport);
  bidi_preamble_.append(id);
  datagram_prefix_.append(id / 4);
}

// -- Beginning ---------------------------------------------------------------

void H3Session::accept(SessionVisitor& visitor, SendSource& source) {
  visitor_ = &visitor;
  source_ = &source;
  answered_ = true;
  established_ = true;
  if (state_ != State::requested || !transport_.alive()) {
    // It ended while the owner was thinking.
    pending_end_ = End{CloseCode::idle, "gone before it was admitted", true};
    source_ = nullptr;
    return;
  }
  reply(connect_stream_, 200, {});
  transport_.widen_connection_window(kAdmittedDataWindow);
  become_open();
}

void H3Session::become_open() {
  state_ = State::open;
  deadline_ = Time::max();
  replay_pending_ = true;
  transport_.want_write();
}

void H3Session::refuse(int status, std::string_view reason) {
  answered_ = true;
  if (state_ != State::requested) return;
  state_ = State::closing;
  early_streams_.clear();
  early_datagrams_.clear();
  reply(connect_stream_, status, reason);
  deadline_ = transport_.now() + limits::kCloseLinger;
}

void H3Session::deliver() {
  if (replay_pending_) replay();
  if (!pending_end_) return;
  const End end = *std::exchange(pending_end_, std::nullopt);
  if (SessionVisitor* visitor = std::exchange(visitor_, nullptr))
    visitor->on_closed(end.code, end.reason, end.by_peer);
}

void H3Session::replay() {
  replay_pending_ = false;
  const auto session = static_cast<uint64_t>(connect_stream_);
  const auto streams = std::exchange(early_streams_, {});
  const auto datagrams = std::exchange(early_datagrams_, {});
  early_bytes_ = 0;
  for (const EarlyStream& early : streams) {
    if (state_ != State::open) return;
    Stream* stream = transport_.find(early.id);
    if (early.session != session) {
      if (stream) discard(*stream, h3::kWtBufferedStreamRejected);
      continue;
    }
    if (stream) stream->role = StreamRole::webtransport;
    if (!early.bytes.empty() || early.fin)
      visitor_->on_stream_data(early.id, early.bidirectional, early.bytes,
                               early.fin, transport_.now());
    if (early.reset && state_ == State::open)
      visitor_->on_stream_reset(early.id, transport_.now());
  }
  for (const EarlyDatagram& datagram : datagrams)
    if (state_ == State::open && datagram.session == session)
      visitor_->on_datagram(datagram.bytes, transport_.now());
}

// -- Streams out -------------------------------------------------------------

Result<StreamId> H3Session::open(bool bidirectional) {
  if (state_ != State::open) return Error{Errc::closed, "no open session"};
  auto opened = transport_.open_stream(
      bidirectional,
      bidirectional ? bidi_preamble_.bytes() : uni_preamble_.bytes());
  if (!opened) return opened.error();
  (*opened)->role = StreamRole::webtransport;
  return (*opened)->id;
}

Result<StreamId> H3Session::open_uni() {
  return open(false);
}
Result<StreamId> H3Session::open_bidi() {
  return open(true);
}

void H3Session::reset(StreamId stream) {
  transport_.reset(stream, h3::webtransport_error(0));
}

void H3Session::stop_sending(StreamId stream) {
  transport_.stop_sending(stream, h3::webtransport_error(0));
}

void H3Session::finish(StreamId stream) {
  send_internal(stream, {}, true);
}

void H3Session::release_credit(StreamId id, size_t size) {
  Stream* stream = transport_.find(id);
  if (stream && stream->role == StreamRole::webtransport)
    transport_.release(*stream, size);
}

void H3Session::want_write() {
  transport_.want_write();
}

TransportStats H3Session::stats() const {
  TransportStats stats = transport_.stats();
  stats.max_datagram_bytes = transport_.max_datagram(datagram_prefix_.size);
  return stats;
}

void H3Session::send_internal(StreamId stream,
                              const std::vector<uint8_t>& bytes, bool fin) {
  SendItem item;
  item.kind = SendItem::Kind::stream;
  item.stream = stream;
  item.fin = fin;
  item.more = true;
  if (!bytes.empty()) {
    item.packet = Packet::allocate(bytes.size());
    std::copy(bytes.begin(), bytes.end(), item.packet->mutable_bytes());
    item.bytes = item.packet->bytes();
  }
  internal_.push_back(std::move(item));
  transport_.want_write();
}

void H3Session::drop_internal(StreamId stream) {
  std::erase_if(internal_, [stream](const SendItem& item) {
    return item.stream == stream;
  });
}

SendItem H3Session::next(Time now) {
  for (const SendItem& item : internal_) {
    const Stream* stream = transport_.find(item.stream);
    if (!stream || !stream->blocked) return item;
  }
  if (state_ != State::open || !source_) return {};
  return source_->next(now);
}

SendItem H3Session::filler() {
  const Stream* control = transport_.find(control_stream_);
  const bool opens = std::any_of(
      internal_.begin(), internal_.end(),
      [&](const auto& item) { return item.stream == control_stream_; });
  if (!control || control->blocked || opens) return {};
  SendItem item;
  item.kind = SendItem::Kind::stream;
  item.stream = control_stream_;
  item.bytes = Bytes(kFiller).subspan(filled_);
  item.more = true;
  return item;
}

void H3Session::consumed(const SendItem& item, size_t size, bool fin) {
  if (!item.packet && item.stream == control_stream_) {
    filled_ = (filled_ + size) % kFiller.size();
    return;
  }
  const auto mine = std::find_if(
      internal_.begin(), internal_.end(), [&item](const SendItem& other) {
        return other.stream == item.stream &&
               other.bytes.data() == item.bytes.data() &&
               item.kind == SendItem::Kind::stream;
      });
  if (mine == internal_.end()) {
    if (source_) source_->consumed(item, size, fin);
    return;
  }
  mine->bytes = mine->bytes.subspan(size);
  if (mine->bytes.empty() && mine->fin == fin) internal_.erase(mine);
}

void H3Session::datagram_refused(const SendItem& item) {
  if (source_) source_->datagram_refused(item);
}

void H3Session::on_send_blocked(Stream& stream) {
  if (stream.role == StreamRole::webtransport && source_)
    source_->stream_blocked(stream.id);
}

void H3Session::on_send_unblocked(Stream& stream) {
  if (stream.role == StreamRole::webtransport && source_)
    source_->stream_unblocked(stream.id);
}

void H3Session::stream_unknown(StreamId stream) {
  drop_internal(stream);
  if (source_) source_->stream_stopped(stream);
}

void H3Session::on_stream_credit() {
  if (source_ && state_ == State::open) source_->streams_available();
}

// -- The end -----------------------------------------------------------------

void H3Session::drain() {
  if (state_ != State::open || drain_sent_) return;
  drain_sent_ = true;
  std::vector<uint8_t> capsule, frame;
  h3::append_drain_capsule(capsule);
  h3::append_frame(frame, h3::kFrameData, capsule);
  send_internal(connect_stream_, frame, false);
}

void H3Session::close(CloseCode code, std::string_view reason) {
  if (state_ != State::open) return;
  std::vector<uint8_t> capsule, frame;
  h3::append_close_capsule(capsule, static_cast<uint32_t>(code), reason);
  h3::append_frame(frame, h3::kFrameData, capsule);
  send_internal(connect_stream_, frame, true);
  end_session(code, reason, false);
}

void H3Session::abort(uint64_t code) {
  transport_.close(code, {CloseReason::Kind::local, true, code, "aborted"});
}

// The session is over while the connection still has to say so.
void H3Session::end_session(CloseCode code, std::string_view reason,
                            bool by_peer) {
  state_ = State::closing;
  source_ = nullptr;
  replay_pending_ = false;
  pending_end_ = End{code, std::string(reason), by_peer};
  deadline_ = transport_.now() + limits::kCloseLinger;
}

void H3Session::peer_closed(CloseCode code, std::string_view reason) {
  if (state_ != State::open) return;
  send_internal(connect_stream_, {}, true);
  end_session(code, reason, true);
}

void H3Session::close_transport() {
  deadline_ = Time::max();
  transport_.close(h3::kNoError, {});
}

void H3Session::on_all_acked(Stream& stream) {
  if (stream.id != connect_stream_ || state_ != State::closing) return;
  finish_acked_ = true;
  if (peer_finished_) return close_transport();
  deadline_ = std::min(deadline_, transport_.now() + kAckedLinger);
}

void H3Session::on_deadline(Time now) {
  if (now < deadline_) return;
  deadline_ = Time::max();
  switch (state_) {
    case State::waiting:
    case State::requested:
      if (server_) {
        transport_.close(h3::kRequestIncomplete,
                         {CloseReason::Kind::protocol, true,
                          h3::kRequestIncomplete, "no CONNECT in time"});
      } else {
        answer_without("the server did not answer in time");
      }
      break;
    case State::closing:
      close_transport();
      break;
    case State::open:
    case State::over:
      break;
  }
}

void H3Session::refused_by_server(int status, std::string_view reason) {
  state_ = State::closing;
  source_ = nullptr;
  if (SessionVisitor* visitor = std::exchange(visitor_, nullptr))
    visitor->on_refused(status, reason);
  close_transport();
}

// The peer broke HTTP/3 or WebTransport.
void H3Session::fail(uint64_t code, std::string_view what) {
  if (log_enabled(LogLevel::debug))
    log_message(LogLevel::debug, "quic",
                "closing a connection: " + std::string(what));
  transport_.close(
      code, {CloseReason::Kind::protocol, true, code, std::string(what)});
}

void H3Session::on_connection_over(const CloseReason& reason) {
  const State before = std::exchange(state_, State::over);
  deadline_ = Time::max();
  source_ = nullptr;
  internal_.clear();
  replay_pending_ = false;
  if (!visitor_ || pending_end_) return;
  if (!established_) {
    if (SessionVisitor* visitor = std::exchange(visitor_, nullptr))
      visitor->on_refused(0, reason.text);
    return;
  }
  if (before != State::open) return;
  using Kind = CloseReason::Kind;
  const bool in_order =
      reason.kind == Kind::peer &&
      (reason.code == 0 || (reason.application && reason.code == h3::kNoError));
  End end{CloseCode::idle, reason.text,
          reason.kind != Kind::protocol && reason.kind != Kind::local};
  if (in_order || reason.kind == Kind::local) end.code = CloseCode::left;
  if (reason.kind == Kind::protocol) end.code = CloseCode::protocol_error;
  pending_end_ = std::move(end);
}

}  // namespace videocall::quic
