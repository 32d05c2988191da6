// SPDX-License-Identifier: MIT
// Requests and replies of an H3Session: the extended CONNECT (RFC 9220), the
// capsules behind it, and polite answers to everything else.
#include <charconv>

#include "libvideocall/quic/h3_session.h"

namespace videocall::quic {
namespace {

// Of the body of a refusal.
constexpr size_t kMaxBodyBytes = 1'024;
constexpr auto kBodyTimeout = 1s;

std::string_view value_or_empty(const h3::Fields& fields,
                                std::string_view name) {
  const std::string* value = h3::find_field(fields, name);
  return value ? std::string_view(*value) : std::string_view();
}

}  // namespace

void H3Session::read_request(Stream& stream, Bytes bytes, bool fin) {
  FrameState& frames = *stream.frames;
  for (;;) {
    const auto event = frames.frames.next(bytes);
    if (event == h3::TlvReader::Event::need_more) break;
    if (event == h3::TlvReader::Event::start) {
      if (!start_request_frame(stream)) return;
    } else if (event == h3::TlvReader::Event::payload) {
      request_payload(stream);
    } else {
      end_request_frame(stream);
    }
    if (state_ == State::over || stream.role != StreamRole::request) return;
  }
  if (!fin) return;
  if (!frames.frames.at_boundary())
    return fail(h3::kFrameError, "a request ends within a frame");
  end_request(stream);
}

// Whether the frame is allowed here.
bool H3Session::start_request_frame(Stream& stream) {
  FrameState& frames = *stream.frames;
  const uint64_t type = frames.frames.type();
  frames.collected.clear();
  const char* wrong = nullptr;
  switch (type) {
    case h3::kFrameData:
      if (!frames.headers_seen) wrong = "DATA before HEADERS";
      break;
    case h3::kFrameHeaders:
      if (frames.frames.length() > limits::kMaxHeaderSectionBytes) {
        fail(h3::kExcessiveLoad, "HEADERS that are too long");
        return false;
      }
      break;
    case h3::kFrameWebTransport:
      fail(h3::kFrameError, "a WebTransport stream that is a request too");
      return false;
    case h3::kFrameCancelPush:
    case h3::kFrameSettings:
    case h3::kFramePushPromise:
    case h3::kFrameGoaway:
    case h3::kFrameMaxPushId:
      wrong = "a frame that does not belong on a request";
      break;
    default:
      if (h3::is_forbidden_frame(type)) wrong = "a frame of HTTP/2";
      break;
  }
  if (!wrong) return true;
  fail(h3::kFrameUnexpected, wrong);
  return false;
}

void H3Session::request_payload(Stream& stream) {
  FrameState& frames = *stream.frames;
  const Bytes payload = frames.frames.payload();
  if (frames.frames.type() == h3::kFrameHeaders) {
    frames.collected.insert(frames.collected.end(), payload.begin(),
                            payload.end());
  } else if (frames.frames.type() == h3::kFrameData &&
             stream.id == connect_stream_) {
    if (state_ == State::open || (server_ && state_ == State::requested)) {
      read_capsules(payload);
    } else if (!server_ && !established_) {
      const size_t room = kMaxBodyBytes - frames.body.size();
      frames.body.append(reinterpret_cast<const char*>(payload.data()),
                         std::min(room, payload.size()));
    }
  }
}

void H3Session::end_request_frame(Stream& stream) {
  FrameState& frames = *stream.frames;
  if (frames.frames.type() != h3::kFrameHeaders || frames.headers_seen) return;
  auto fields = h3::decode_fields(frames.collected);
  frames.collected = {};
  if (!fields)
    return fail(fields.error().code == Errc::limit
                    ? h3::kExcessiveLoad
                    : h3::kQpackDecompressionFailed,
                fields.error().message);
  if (server_) {
    frames.headers_seen = true;
    on_request_headers(stream, *fields);
  } else {
    on_response_headers(stream, *fields);
  }
}

void H3Session::end_request(Stream& stream) {
  FrameState& frames = *stream.frames;
  if (server_ && !frames.headers_seen)
    return transport_.reset(stream.id, h3::kRequestIncomplete);
  if (stream.id != connect_stream_) return;
  peer_finished_ = true;
  switch (state_) {
    case State::open:
      // No CLOSE capsule: counts as code 0.
      return peer_closed(CloseCode::left, {});
    case State::closing:
      if (finish_acked_) close_transport();
      return;
    case State::requested:
      if (!server_)
        return answer_without("the server ended the request unanswered");
      // Gone before it was admitted.
      return close_transport();
    case State::waiting:
    case State::over:
      return;
  }
}

void H3Session::read_capsules(Bytes payload) {
  Stream* stream = transport_.find(connect_stream_);
  for (;;) {
    auto capsule = stream->frames->capsules.next(payload);
    if (!capsule) return fail(h3::kMessageError, capsule.error().message);
    if (!*capsule) return;
    if (state_ == State::requested) {
      if ((*capsule)->type == h3::kCapsuleClose) return close_transport();
    } else if (state_ == State::open) {
      if ((*capsule)->type == h3::kCapsuleDrain) {
        visitor_->on_draining();
      } else {
        const h3::CloseCapsule& close = (*capsule)->close;
        return peer_closed(static_cast<CloseCode>(close.code), close.reason);
      }
    }
  }
}

// -- Server ------------------------------------------------------------------

void H3Session::on_request_headers(Stream& stream, const h3::Fields& fields) {
  const std::string_view method = value_or_empty(fields, ":method");
  const std::string_view protocol = value_or_empty(fields, ":protocol");
  if (method != "CONNECT" || protocol != "webtransport")
    return reply(stream.id, method == "CONNECT" ? 501 : 405,
                 "only WebTransport is served here");
  ConnectRequest request;
  request.authority = value_or_empty(fields, ":authority");
  request.path = value_or_empty(fields, ":path");
  request.origin = value_or_empty(fields, "origin");
  // RFC 9110 section 5.5: dangerous in a value.
  for (const auto& [name, value] : fields)
    if (value.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos)
      return reply(stream.id, 400, "a header field with a control character");
  if (value_or_empty(fields, ":scheme") != "https" ||
      request.authority.empty() || !request.path.starts_with('/'))
    return reply(stream.id, 400, "an incomplete CONNECT");
  if (state_ != State::waiting)
    return reply(stream.id, 429, "one session per connection");
  set_session(stream.id);
  state_ = State::requested;
  deadline_ = Time::max();  // the owner's turn
  handler_.on_connect(request);
}

void H3Session::reply(StreamId stream, int status, std::string_view body) {
  h3::Fields fields = {{":status", std::to_string(status)}};
  if (status == 429 || status == 503) fields.emplace_back("retry-after", "1");
  if (!body.empty()) {
    fields.emplace_back("content-type", "text/plain; charset=utf-8");
    fields.emplace_back("content-length", std::to_string(body.size()));
  }
  auto section = h3::encode_fields(fields);
  if (!section) return fail(h3::kInternalError, section.error().message);
  std::vector<uint8_t> out;
  h3::append_frame(out, h3::kFrameHeaders, *section);
  if (!body.empty())
    h3::append_frame(
        out, h3::kFrameData,
        {reinterpret_cast<const uint8_t*>(body.data()), body.size()});
  send_internal(stream, out, status != 200);
}

// -- Client ------------------------------------------------------------------

void H3Session::on_settings(const h3::Settings& settings) {
  if (server_ || state_ != State::waiting) return;
  if (!settings.webtransport)
    return transport_.close(
        h3::kRequestCancelled,
        {CloseReason::Kind::handshake, true, h3::kRequestCancelled,
         "the server does not speak WebTransport"});
  send_connect();
}

// The request is over, be it with the status of a refusal, be it without any.
void H3Session::answer_without(std::string_view what) {
  const Stream* stream = transport_.find(connect_stream_);
  int status = 0;
  if (stream) {
    const std::string& text = stream->frames->status;
    std::from_chars(text.data(), text.data() + text.size(), status);
  }
  if (status == 0) return refused_by_server(0, what);
  const std::string body = stream->frames->body;
  refused_by_server(status, body);
}

void H3Session::send_connect() {
  auto stream = transport_.open_stream(true, {});
  if (!stream) return fail(h3::kStreamCreationError, "no stream for CONNECT");
  (*stream)->role = StreamRole::request;
  (*stream)->frames = std::make_unique<FrameState>();
  set_session((*stream)->id);
  state_ = State::requested;
  h3::Fields fields = {
      {":method", "CONNECT"},
      {":protocol", "webtransport"},
      {":scheme", "https"},
      {":authority", request_.authority},
      {":path", request_.path_and_query},
      {"sec-webtransport-http3-draft02", "1"},
  };
  if (!request_.origin.empty()) fields.emplace_back("origin", request_.origin);
  auto section = h3::encode_fields(fields);
  if (!section) return fail(h3::kInternalError, section.error().message);
  std::vector<uint8_t> out;
  h3::append_frame(out, h3::kFrameHeaders, *section);
  send_internal(connect_stream_, out, false);
}

void H3Session::on_response_headers(Stream& stream, const h3::Fields& fields) {
  if (stream.id != connect_stream_ || state_ != State::requested) return;
  const std::string_view status = value_or_empty(fields, ":status");
  if (status.size() == 3 && status[0] == '1') return;  // informational
  stream.frames->headers_seen = true;
  stream.frames->status = status;
  if (status.size() != 3 || status[0] < '2' || status[0] > '9')
    return fail(h3::kMessageError, "a reply without a status");
  if (status[0] != '2') {
    // Its body ends it, or this does.
    deadline_ = transport_.now() + kBodyTimeout;
    return;
  }
  answered_ = true;
  established_ = true;
  become_open();
  visitor_->on_established();
}

}  // namespace videocall::quic
