// SPDX-License-Identifier: MIT
// What arrives at an H3Session: streams by their first bytes, datagrams, the
// control stream, and what comes before its session.
#include <algorithm>

#include "libvideocall/quic/h3_session.h"

namespace videocall::quic {
namespace {

bool is_request_stream(uint64_t id) {
  return (id & 3) == 0;
}

// Of a peer without a session: its control and QPACK streams, what a browser
// sends early, and more GREASE than any sends.
constexpr uint64_t kMaxUniStreamsWithoutSession = 256;

}  // namespace

void H3Session::on_send_keys() {
  auto control = transport_.open_stream(false, {});
  if (!control)
    return fail(h3::kStreamCreationError, "no stream for HTTP/3 control");
  (*control)->role = StreamRole::control;
  (*control)->awaited = false;
  control_stream_ = (*control)->id;
  send_internal((*control)->id, h3::control_stream_opening(server_), false);
}

void H3Session::on_handshake_done() {
  // For the CONNECT, or for what it takes to send one and the answer.
  deadline_ = transport_.now() + request_timeout_;
}

// ngtcp2 0.12 keeps some memory of each unidirectional stream of the peer for
// as long as the connection lives, whatever the stream was; this bounds it.
void H3Session::on_peer_stream(Stream& stream) {
  if (stream.bidirectional()) return;
  const uint64_t count = transport_.peer_uni_streams();
  if (state_ != State::open) {
    if (count > kMaxUniStreamsWithoutSession && state_ != State::closing)
      fail(h3::kExcessiveLoad, "too many streams without a session");
    return;
  }
  if (count >= max_lifetime_uni_streams_) {
    close(CloseCode::draining, "too many streams on one connection");
  } else if (count >= max_lifetime_uni_streams_ / 10 * 9) {
    drain();
  }
}

void H3Session::on_stream_data(Stream& stream, Bytes bytes, bool fin) {
  if (stream.role == StreamRole::unknown) {
    const size_t before = bytes.size();
    read_opening(stream, bytes);
    transport_.release(stream, before - bytes.size());
  }
  switch (stream.role) {
    case StreamRole::webtransport:
      return pass_on(stream, bytes, fin);
    case StreamRole::early:
      keep_early(stream, bytes, fin);
      break;
    case StreamRole::control:
      read_control(stream, bytes);
      [[fallthrough]];
    case StreamRole::qpack:
      if (fin) fail(h3::kClosedCriticalStream, "a critical stream ended");
      break;
    case StreamRole::request:
      read_request(stream, bytes, fin);
      break;
    case StreamRole::unknown:
      // A request that ends before it begins is not answered.
      if (fin && stream.bidirectional())
        transport_.reset(stream.id, h3::kRequestIncomplete);
      break;
    case StreamRole::discarded:
      break;
  }
  transport_.release_all(stream);
}

void H3Session::read_opening(Stream& stream, Bytes& bytes) {
  if (!stream.type_known) {
    const auto type = stream.opening.read(bytes);
    if (!type) return;
    stream.opening_type = *type;
    stream.type_known = true;
    if (!stream.bidirectional()) {
      open_peer_uni(stream, *type);
    } else if (*type != h3::kFrameWebTransport) {
      if (!server_)
        return fail(h3::kStreamCreationError, "a server's request stream");
      stream.role = StreamRole::request;
      stream.frames = std::make_unique<FrameState>();
      stream.frames->frames.begin_with(*type);
    }
  }
  if (stream.role != StreamRole::unknown) return;
  if (const auto session = stream.opening.read(bytes))
    bind_stream(stream, *session);
}

void H3Session::open_peer_uni(Stream& stream, uint64_t type) {
  switch (type) {
    case h3::kStreamControl:
      stream.frames = std::make_unique<FrameState>();
      return claim_critical(stream, Critical::control, StreamRole::control);
    case h3::kStreamQpackEncoder:
      return claim_critical(stream, Critical::encoder, StreamRole::qpack);
    case h3::kStreamQpackDecoder:
      return claim_critical(stream, Critical::decoder, StreamRole::qpack);
    case h3::kStreamPush:
      // A client cannot push, and a server was never told that it may.
      return fail(server_ ? h3::kStreamCreationError : h3::kIdError,
                  "a push stream");
    case h3::kStreamWebTransport:
      return;  // the session's id follows
    default:
      return discard(stream, h3::kStreamCreationError);
  }
}

void H3Session::claim_critical(Stream& stream, Critical which,
                               StreamRole role) {
  bool& taken = critical_[static_cast<size_t>(which)];
  if (taken)
    return fail(h3::kStreamCreationError, "a critical stream came twice");
  taken = true;
  stream.role = role;
}

void H3Session::bind_stream(Stream& stream, uint64_t session) {
  if (!is_request_stream(session))
    return fail(h3::kIdError, "a stream of an impossible session");
  switch (state_) {
    case State::waiting:
    case State::requested:
      if (early_streams_.size() >= limits::kMaxEarlyStreams)
        return discard(stream, h3::kWtBufferedStreamRejected);
      stream.role = StreamRole::early;
      early_streams_.push_back(
          {stream.id, stream.bidirectional(), session, {}, false, false});
      return;
    case State::open:
      if (session != static_cast<uint64_t>(connect_stream_))
        return discard(stream, h3::kWtBufferedStreamRejected);
      // Until what came early was reported, nothing may overtake it.
      if (replay_pending_) {
        stream.role = StreamRole::early;
        early_streams_.push_back(
            {stream.id, stream.bidirectional(), session, {}, false, false});
        return;
      }
      stream.role = StreamRole::webtransport;
      return;
    case State::closing:
    case State::over:
      return discard(stream, h3::kWtSessionGone);
  }
}

void H3Session::pass_on(Stream& stream, Bytes bytes, bool fin) {
  if (state_ != State::open) {
    if (state_ == State::closing) discard(stream, h3::kWtSessionGone);
    return transport_.release_all(stream);
  }
  if (bytes.empty() && !fin) return;
  visitor_->on_stream_data(stream.id, stream.bidirectional(), bytes, fin,
                           transport_.now());
  // What the user holds back may be a packet larger than the window.
  transport_.release(stream, 0);
}

H3Session::EarlyStream* H3Session::find_early(StreamId id) {
  const auto found =
      std::find_if(early_streams_.begin(), early_streams_.end(),
                   [id](const EarlyStream& early) { return early.id == id; });
  return found == early_streams_.end() ? nullptr : &*found;
}

void H3Session::keep_early(Stream& stream, Bytes bytes, bool fin) {
  EarlyStream* early = find_early(stream.id);
  if (!early) return;
  if (early_bytes_ + bytes.size() > limits::kMaxEarlyBytes) {
    early_bytes_ -= early->bytes.size();
    early_streams_.erase(early_streams_.begin() +
                         (early - early_streams_.data()));
    return discard(stream, h3::kWtBufferedStreamRejected);
  }
  early_bytes_ += bytes.size();
  early->bytes.insert(early->bytes.end(), bytes.begin(), bytes.end());
  early->fin = fin;
}

void H3Session::discard(Stream& stream, uint64_t code) {
  stream.role = StreamRole::discarded;
  transport_.stop_sending(stream.id, code);
  if (stream.bidirectional()) transport_.reset(stream.id, code);
}

void H3Session::on_stream_reset(Stream& stream) {
  switch (stream.role) {
    case StreamRole::webtransport:
      if (state_ == State::open)
        visitor_->on_stream_reset(stream.id, transport_.now());
      break;
    case StreamRole::early:
      if (EarlyStream* early = find_early(stream.id)) early->reset = true;
      break;
    case StreamRole::control:
    case StreamRole::qpack:
      fail(h3::kClosedCriticalStream, "a critical stream was reset");
      break;
    case StreamRole::request:
      if (stream.id == connect_stream_) {
        peer_finished_ = true;
        if (state_ == State::open) {
          peer_closed(CloseCode::idle, "the CONNECT stream was reset");
        } else if (!server_ && state_ == State::requested) {
          answer_without("the server reset the request");
        } else if (state_ == State::requested) {
          close_transport();
        }
      }
      break;
    case StreamRole::unknown:
    case StreamRole::discarded:
      break;
  }
}

void H3Session::on_send_stopped(Stream& stream) {
  drop_internal(stream.id);
  if (stream.role == StreamRole::control)
    return fail(h3::kClosedCriticalStream, "the control stream was refused");
  if (stream.id == connect_stream_) {
    if (state_ == State::open)
      peer_closed(CloseCode::idle, "the CONNECT stream was stopped");
    return;
  }
  if (source_ && stream.role == StreamRole::webtransport)
    source_->stream_stopped(stream.id);
}

void H3Session::on_stream_closed(Stream& stream) {
  drop_internal(stream.id);
}

void H3Session::on_datagram(Bytes frame) {
  const auto quarter = h3::take_varint(frame);
  if (!quarter || *quarter > h3::kMaxVarint / 4)
    return fail(h3::kDatagramError, "a datagram without a session");
  const uint64_t session = *quarter * 4;
  const bool early = state_ == State::waiting || state_ == State::requested ||
                     (state_ == State::open && replay_pending_);
  if (early) {
    if (early_bytes_ + frame.size() > limits::kMaxEarlyBytes ||
        early_datagrams_.size() >= limits::kMaxEarlyStreams)
      return;
    early_bytes_ += frame.size();
    early_datagrams_.push_back({session, {frame.begin(), frame.end()}});
  } else if (state_ == State::open &&
             session == static_cast<uint64_t>(connect_stream_)) {
    visitor_->on_datagram(frame, transport_.now());
  }
}

// -- The peer's control stream -----------------------------------------------

void H3Session::read_control(Stream& stream, Bytes bytes) {
  FrameState& frames = *stream.frames;
  while (transport_.alive()) {
    switch (frames.frames.next(bytes)) {
      case h3::TlvReader::Event::need_more:
        return;
      case h3::TlvReader::Event::start:
        start_control_frame(frames);
        break;
      case h3::TlvReader::Event::payload:
        if (frames.frames.type() == h3::kFrameSettings)
          frames.collected.insert(frames.collected.end(),
                                  frames.frames.payload().begin(),
                                  frames.frames.payload().end());
        break;
      case h3::TlvReader::Event::end:
        end_control_frame(frames);
        break;
    }
    if (state_ == State::over) return;
  }
}

void H3Session::start_control_frame(FrameState& frames) {
  const uint64_t type = frames.frames.type();
  if (!frames.first_frame_seen) {
    frames.first_frame_seen = true;
    if (type != h3::kFrameSettings)
      return fail(h3::kMissingSettings, "control does not begin with SETTINGS");
    if (frames.frames.length() > h3::kMaxSettingsBytes)
      return fail(h3::kExcessiveLoad, "SETTINGS that are too long");
    return;
  }
  if (type == h3::kFrameSettings || type == h3::kFrameData ||
      type == h3::kFrameHeaders || type == h3::kFramePushPromise ||
      type == h3::kFrameWebTransport || h3::is_forbidden_frame(type))
    fail(h3::kFrameUnexpected, "a frame that does not belong on control");
}

void H3Session::end_control_frame(FrameState& frames) {
  if (frames.frames.type() != h3::kFrameSettings) return;
  auto settings = h3::parse_settings(frames.collected);
  frames.collected = {};
  if (!settings) return fail(h3::kSettingsError, settings.error().message);
  settings_seen_ = true;
  on_settings(*settings);
}

}  // namespace videocall::quic
