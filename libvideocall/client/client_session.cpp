// SPDX-License-Identifier: MIT
#include "libvideocall/client/client_session.h"

#include <algorithm>
#include <utility>

#include "choice.pb.h"
#include "libvideocall/base/base64.h"
#include "session.pb.h"

namespace videocall::client {
namespace {

std::string connect_code(int status) {
  return status > 0 ? "http-" + std::to_string(status) : "unreachable";
}

bool is_final(CloseCode code) {
  return !is_resumable(code);
}

}  // namespace

const char* to_string(State state) {
  switch (state) {
    case State::idle:
      return "idle";
    case State::joining:
      return "joining";
    case State::connecting:
      return "connecting";
    case State::connected:
      return "connected";
    case State::reconnecting:
      return "reconnecting";
    case State::refused:
      return "refused";
    case State::ended:
      return "ended";
  }
  return "unknown";
}

ClientSession::ClientSession(ClientSessionOwner& owner, ClientConfig config)
    : owner_(owner),
      config_(std::move(config)),
      roster_(owner),
      backoff_(config_.seed) {}

void ClientSession::start(Time now) {
  if (phase_ != Phase::idle) return;
  attempt_ = 1;
  join(now);
}

void ClientSession::stop() {
  if (phase_ == Phase::over) return;
  if (phase_ != Phase::idle) owner_.abandon(CloseCode::left);
  finish(State::ended, "left", "left");
}

// -- Joining and connecting
// ----------------------------------------------------

void ClientSession::join(Time) {
  phase_ = Phase::joining;
  timer_ = Time::max();  // the HTTP client has a timeout of its own
  set_state(was_connected_ ? State::reconnecting : State::joining, attempt_, "",
            "");
  owner_.start_join();
}

void ClientSession::on_joined(const JoinAnswer& answer, Time now) {
  if (looking_ && !leave_draining(answer, now)) return;
  if (phase_ != Phase::joining) return;
  user_id_ = answer.user_id;
  if (answer.e2ee == "required") {
    finish(State::refused,
           "This meeting is end-to-end encrypted, which this client cannot do.",
           "e2ee-required");
    return;
  }
  if (answer.status != "admitted") {
    const bool rejected = answer.status == "rejected";
    if (rejected)
      finish(State::refused, "The host did not let you in.", answer.status);
    else
      retry("Waiting to be let in.", answer.status, now);
    return;
  }
  const auto targets = targets_of(answer);
  if (targets.empty()) {
    finish(State::refused,
           config_.transport.empty()
               ? "The server offers no transport that this client has."
               : "The server does not offer " + config_.transport + ".",
           "no-transport");
    return;
  }
  phase_ = Phase::connecting;
  timer_ = now + limits::kConnectTimeout;
  if (!was_connected_) set_state(State::connecting, attempt_, "", "");
  owner_.start_connect(targets);
}

std::vector<ConnectTarget> ClientSession::targets_of(
    const JoinAnswer& answer) const {
  std::vector<ConnectTarget> targets;
  for (const char* kind : {"webtransport", "websocket"}) {
    if (!config_.transport.empty() && config_.transport != kind) continue;
    for (const Transport& transport : answer.transports)
      if (transport.kind == kind)
        targets.push_back({kind, connect_url(transport, answer.token),
                           transport.certificate_hashes});
  }
  return targets;
}

std::string ClientSession::connect_url(const Transport& transport,
                                       const std::string& token) const {
  const bool has_query = transport.url.find('?') != std::string::npos;
  std::string url =
      transport.url + (has_query ? "&" : "?") + "token=" + token + "&v=1";
  if (!resume_secret_.empty())
    url += "&resume=" +
           base64url({reinterpret_cast<const uint8_t*>(resume_secret_.data()),
                      resume_secret_.size()});
  return url;
}

void ClientSession::on_join_failed(const JoinFailure& failure, Time now) {
  if (std::exchange(looking_, false)) {
    // Nobody else takes us yet; the session goes on as long as it does.
    move_at_ = now + backoff_.spread(limits::kMoveRetryDelay);
    return;
  }
  if (phase_ != Phase::joining) return;
  const Verdict verdict = judge(failure, config_.location);
  std::string code = failure.code;
  if (code.empty()) code = connect_code(failure.status);
  if (failure.bad_certificate) code = "certificate";
  if (verdict.fatal)
    finish(State::refused, verdict.message, code);
  else
    retry(verdict.message, code, now);
}

void ClientSession::on_connect_refused(int status, const std::string& reason,
                                       Time now) {
  if (phase_ != Phase::connecting) return;
  const Verdict verdict = judge_connect(status, reason);
  const std::string code = connect_code(status);
  token_refusals_ = status == 401 ? token_refusals_ + 1 : 0;
  // It may be the resume secret that is not accepted (any more).
  if (token_refusals_ > 1) resume_secret_.clear();
  if (verdict.fatal || token_refusals_ >= limits::kMaxTokenRefusals)
    finish(State::refused, verdict.message, code);
  else
    retry(verdict.message, code, now);
}

void ClientSession::on_disconnected(CloseCode code, const std::string& reason,
                                    Time now) {
  if (phase_ != Phase::connecting && phase_ != Phase::connected) return;
  const std::string name(videocall::to_string(code));
  if (is_final(code)) {
    finish(State::ended, reason, name);
    return;
  }
  const bool at_once = draining_ || code == CloseCode::draining;
  if (at_once && phase_ == Phase::connected)
    drain_over_ = now + limits::kDrainRetryTime;
  if (std::exchange(looking_, false)) {
    // What is under way is the next attempt.
    phase_ = Phase::joining;
    timer_ = Time::max();
    draining_ = false;
    attempt_ = 1;
    set_state(State::reconnecting, attempt_, reason, name);
    return;
  }
  retry(reason, name, now, at_once);
}

void ClientSession::on_draining(Time now) {
  if (std::exchange(draining_, true) || phase_ != Phase::connected) return;
  move_at_ = now + backoff_.spread(limits::kMoveDelay);
}

void ClientSession::look_around(Time) {
  move_at_ = Time::max();
  if (phase_ != Phase::connected) return;
  looking_ = true;
  owner_.start_join();
}

// Leaves the server that drains for the one that |answer| names; false: it
// names none.
bool ClientSession::leave_draining(const JoinAnswer& answer, Time now) {
  looking_ = false;
  if (answer.status != "admitted") {
    move_at_ = now + backoff_.spread(limits::kMoveRetryDelay);
    return false;
  }
  drain_over_ = now + limits::kDrainRetryTime;
  draining_ = false;
  owner_.abandon(CloseCode::draining);
  phase_ = Phase::joining;
  attempt_ = 1;
  set_state(State::reconnecting, attempt_, "The server is about to stop.",
            std::string(videocall::to_string(CloseCode::draining)));
  return true;
}

// Waits for its turn, then joins anew. |at_once|: the first time without delay.
void ClientSession::retry(const std::string& reason, const std::string& code,
                          Time now, bool at_once) {
  const bool stable = phase_ == Phase::connected &&
                      now - connected_at_ >= limits::kStableConnection;
  if (stable) backoff_.reset();
  if (!was_connected_ && attempt_ >= limits::kMaxFirstAttempts &&
      code != "waiting") {
    owner_.abandon(CloseCode::left);
    finish(State::refused, reason, code);
    return;
  }
  if (phase_ == Phase::connected) attempt_ = 0;
  const bool lived =
      phase_ == Phase::connected && now - connected_at_ >= limits::kMoveDelay;
  const bool first = backoff_.attempts() == 0 || lived;
  const bool quick = now < drain_over_;
  const Duration delay =
      quick ? backoff_.spread(limits::kDrainRetryDelay) : backoff_.next();
  // One that drains again and again is not come back to at once.
  if (quick && at_once) (void)backoff_.next();
  ++attempt_;
  phase_ = Phase::waiting;
  draining_ = false;
  move_at_ = Time::max();
  timer_ = at_once && first ? now : now + delay;
  set_state(was_connected_ ? State::reconnecting : State::joining, attempt_,
            reason, code);
}

void ClientSession::finish(State state, const std::string& reason,
                           const std::string& code) {
  phase_ = Phase::over;
  timer_ = Time::max();
  move_at_ = Time::max();
  looking_ = false;
  set_state(state, 0, reason, code);
  roster_.clear();
}

void ClientSession::set_state(State state, unsigned attempt,
                              const std::string& reason,
                              const std::string& code) {
  state_ = state;
  owner_.on_state({state, attempt, reason, code});
}

// -- In the meeting
// ------------------------------------------------------------

void ClientSession::on_packet(const Packet& packet, Time now) {
  const PacketFields& fields = packet.fields();
  if (phase_ == Phase::connecting) {
    if (fields.type == PacketType::session_assigned) on_assigned(packet, now);
    return;
  }
  if (phase_ != Phase::connected) return;
  if (fields.type == PacketType::keyframe_request)
    on_keyframe_request(fields.data);
  else if (fields.type == PacketType::layer_hint)
    on_layer_hint(fields.data);
  else
    roster_.on_packet(packet);
}

void ClientSession::on_assigned(const Packet& packet, Time now) {
  const Bytes data = packet.fields().data;
  proto::SessionAssigned assigned;
  if (!assigned.ParseFromArray(data.data(), static_cast<int>(data.size())))
    return;
  phase_ = Phase::connected;
  drain_over_ = Time::min();
  connected_at_ = now;
  was_connected_ = true;
  token_refusals_ = 0;
  attempt_ = 0;
  session_id_ = packet.fields().session_id;
  resume_secret_ = assigned.resume_secret();
  heartbeat_ = limits::kHeartbeatInterval;
  if (assigned.heartbeat_s() > 0)
    heartbeat_ = std::min<Duration>(
        std::chrono::seconds(assigned.heartbeat_s()), limits::kIdleTimeout / 2);
  roster_.begin_listing(session_id_);
  send_own_state(now);
  if (!config_.wants_video) send(PacketType::viewport, "");
  set_state(State::connected, 0, "", "");
}

void ClientSession::on_keyframe_request(Bytes data) {
  proto::KeyframeRequest request;
  if (!request.ParseFromArray(data.data(), static_cast<int>(data.size())))
    return;
  if (request.session_id() != 0 && request.session_id() != session_id_) return;
  const auto kind = static_cast<int>(request.media_kind());
  if (kind < 0 || kind > static_cast<int>(MediaKind::screen)) return;
  owner_.on_keyframe_wanted(static_cast<MediaKind>(kind), request.layer());
}

void ClientSession::on_layer_hint(Bytes data) {
  proto::LayerHint hint;
  if (!hint.ParseFromArray(data.data(), static_cast<int>(data.size()))) return;
  for (const proto::LayerHint::Entry& entry : hint.entries()) {
    const auto kind = static_cast<int>(entry.media_kind());
    if (kind != static_cast<int>(MediaKind::video) &&
        kind != static_cast<int>(MediaKind::screen))
      continue;
    uint32_t layers = 0;
    for (const uint32_t layer : entry.requested_layers())
      if (layer <= limits::kMaxLayer) layers |= 1u << layer;
    owner_.on_layers_wanted(static_cast<MediaKind>(kind), layers);
  }
}

void ClientSession::set_own_state(const OwnState& state, Time now) {
  if (own_state_ == state) return;
  own_state_ = state;
  if (phase_ == Phase::connected) send_own_state(now);
}

void ClientSession::request_keyframe(uint64_t session_id, MediaKind kind,
                                     unsigned layer) {
  if (phase_ != Phase::connected) return;
  proto::KeyframeRequest request;
  request.set_session_id(session_id);
  request.set_media_kind(static_cast<proto::MediaKind>(kind));
  request.set_layer(layer);
  send(PacketType::keyframe_request, request.SerializeAsString());
}

void ClientSession::send_own_state(Time now) {
  proto::MemberState state;
  state.set_video_enabled(own_state_.video_enabled);
  state.set_audio_enabled(own_state_.audio_enabled);
  state.set_screen_enabled(own_state_.screen_enabled);
  state.set_speaking(own_state_.speaking);
  state.set_hand_raised(own_state_.hand_raised);
  state.set_display_name(own_state_.display_name);
  timer_ = now + heartbeat_;
  send(PacketType::member_state, state.SerializeAsString());
}

void ClientSession::send(PacketType type, const std::string& data) {
  PacketFields fields;
  fields.type = type;
  fields.data = {reinterpret_cast<const uint8_t*>(data.data()), data.size()};
  if (auto packet = Packet::build(fields)) owner_.send(std::move(*packet));
}

void ClientSession::on_timer(Time now) {
  if (now >= move_at_) look_around(now);
  if (now < timer_) return;
  switch (phase_) {
    case Phase::waiting:
      join(now);
      break;
    case Phase::connecting:
      owner_.abandon(CloseCode::left);
      retry("The server did not answer in time.", "timeout", now);
      break;
    case Phase::connected:
      send_own_state(now);
      break;
    default:
      timer_ = Time::max();
      break;
  }
}

}  // namespace videocall::client
