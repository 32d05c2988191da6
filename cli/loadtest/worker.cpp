// SPDX-License-Identifier: MIT
#include "cli/loadtest/worker.h"

#include <gst/gst.h>

#include <algorithm>

#include "libvideocall/client/join.h"
#include "libvideocall/websocket/fleet.h"
#include "libvideocall/wire/limits.h"
#include "proto/choice.pb.h"
#include "proto/session.pb.h"

namespace videocall::loadtest {
namespace {

constexpr auto kTurn = 10ms;      // how often orders are looked at
constexpr auto kGoodbye = 300ms;  // for the last packets of those who leave
// Tokens live for 60 s; a storm gathers its own this long before.
constexpr auto kGatherAhead = 10s;

Time time_of(uint64_t ns) {
  return Time(Duration(static_cast<int64_t>(ns)));
}

uint64_t microseconds(Duration duration) {
  return static_cast<uint64_t>(duration.count() / 1'000);
}

Duration seconds(double value) {
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(value));
}

Bytes bytes_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

Worker::Worker(const Scenario& scenario, Board& board, size_t number)
    : scenario_(scenario), board_(board), number_(number) {}

Worker::~Worker() = default;

Result<void> Worker::run() {
  make_sessions();
  if (auto loaded = load_media(); !loaded) return loaded;
  quic::FleetConfig config;
  config.client_name = "videocall-cli loadtest";
  config.insecure_skip_verify = scenario_.insecure_skip_verify;
  config.sockets = scenario_.sockets;
  config.congestion_control = scenario_.congestion_control;
  auto fleet = scenario_.transport == TransportKind::websocket
                   ? websocket::create_fleet(config, *this)
                   : quic::Fleet::create(config, *this);
  if (!fleet) return fleet.error();
  fleet_ = std::move(*fleet);
  joiner_ = std::make_unique<Joiner>(to_string(scenario_.transport),
                                     scenario_.insecure_skip_verify,
                                     [this] { fleet_->wake(); });
  begin_publishers(Clock::now());
  while (!board_.orders().leave.load()) {
    const Time now = Clock::now();
    follow_orders(now);
    take_tokens(now);
    while (!events_.empty() && events_.top().at <= now) {
      const Event event = events_.top();
      events_.pop();
      fire(event, now);
    }
    Duration wait = kTurn;
    if (!events_.empty())
      wait = std::clamp<Duration>(events_.top().at - Clock::now(), 0ns, wait);
    if (auto turned = fleet_->turn(wait); !turned) return turned;
  }
  joiner_.reset();
  for (size_t i = 0; i < sessions_.size(); ++i)
    fleet_->close(i, CloseCode::left);
  for (const Time end = Clock::now() + kGoodbye; Clock::now() < end;)
    if (auto turned = fleet_->turn(kTurn); !turned) return turned;
  return {};
}

// -- Beginning ----------------------------------------------------------------

Result<void> Worker::load_media() {
  std::vector<MediaFile> files;
  if (publishers_ > 0 && !scenario_.media.empty()) {
    gst_init(nullptr, nullptr);
    for (const std::string& path : scenario_.media) {
      auto file = MediaFile::load(path);
      if (!file) return file.error();
      files.push_back(std::move(*file));
    }
  }
  media_.emplace(scenario_, std::move(files));
  for (size_t i = 0; i < publishers_; ++i)
    sessions_[i].publisher.emplace(scenario_, *media_, board_.orders(),
                                   board_.publisher(sessions_[i].record),
                                   sessions_[i].record);
  return {};
}

void Worker::make_sessions() {
  for (size_t i = number_; i < scenario_.all_publishers();
       i += scenario_.processes) {
    Session session;
    const size_t room = i / scenario_.publishers;
    session.meeting = scenario_.room_name(room);
    session.user = "pub-" + std::to_string(i);
    session.record = i;
    sessions_.push_back(std::move(session));
  }
  publishers_ = sessions_.size();
  const size_t per_room = scenario_.viewers_per_room();
  for (size_t i = number_; i < scenario_.all_viewers();
       i += scenario_.processes) {
    Session session;
    session.meeting = scenario_.room_name(i / per_room);
    session.user = "eye-" + std::to_string(i);
    session.record = i;
    session.seed = i + 1;
    session.viewer.emplace(scenario_, board_.viewer(i), i / per_room,
                           i % per_room);
    sessions_.push_back(std::move(session));
  }
}

void Worker::schedule(Time at, Event::Kind kind, size_t session) {
  events_.push({at, kind, static_cast<uint32_t>(session)});
}

void Worker::begin_publishers(Time now) {
  for (size_t i = 0; i < publishers_; ++i) schedule(now, Event::Kind::join, i);
}

bool Worker::storms(const Session& session) const {
  return session.viewer && session.viewer->viewer_class() == ViewerClass::storm;
}

// -- Orders -------------------------------------------------------------------

void Worker::follow_orders(Time now) {
  Orders& orders = board_.orders();
  if (!viewers_begun_ && orders.viewers_join_ns.load() != 0) {
    viewers_begun_ = true;
    begin_viewers(now);
  }
  const uint64_t connect = orders.viewers_connect_ns.load();
  if (!gathered_used_ && connect != 0 && now >= time_of(connect)) {
    gathered_used_ = true;
    connect_gathered(now);
  }
  const uint64_t begin = orders.measure_begin_ns.load();
  if (!measurement_begun_ && begin != 0) {
    measurement_begun_ = true;
    begin_measurement(time_of(begin));
  }
  if (!settled_ && orders.settle.load()) {
    settled_ = true;
    settle(now);
  }
}

void Worker::begin_viewers(Time now) {
  const double all = static_cast<double>(scenario_.all_viewers());
  for (size_t i = publishers_; i < sessions_.size(); ++i) {
    if (storms(sessions_[i])) continue;
    const double share = static_cast<double>(sessions_[i].record) / all;
    schedule(now + seconds(scenario_.ramp * share), Event::Kind::join, i);
  }
}

// Everybody who gathered a token connects at this very moment.
void Worker::connect_gathered(Time now) {
  for (size_t i = publishers_; i < sessions_.size(); ++i)
    if (!sessions_[i].url.empty() && !storms(sessions_[i])) connect(i, now);
}

void Worker::begin_measurement(Time begin) {
  const Time storm = begin + seconds(scenario_.storm_at);
  const size_t per_room = scenario_.viewers_per_room();
  for (size_t i = publishers_; i < sessions_.size(); ++i) {
    const ViewerClass viewer_class = sessions_[i].viewer->viewer_class();
    if (viewer_class == ViewerClass::storm) {
      schedule(std::max(begin, storm - kGatherAhead), Event::Kind::join, i);
      schedule(storm, Event::Kind::come, i);
    } else if (viewer_class == ViewerClass::churning) {
      // Not all at the same time.
      const double share = static_cast<double>(sessions_[i].record % per_room) /
                           static_cast<double>(per_room);
      schedule(begin + seconds(scenario_.stay * (share + 0.5)), Event::Kind::go,
               i);
    }
  }
}

void Worker::settle(Time) {
  for (Session& session : sessions_)
    if (session.viewer) session.viewer->finish(output_of(session));
  for (size_t i = 0; i < publishers_; ++i) {
    const quic::ChannelStats stats = fleet_->stats(i, Clock::now());
    board_.publisher(sessions_[i].record)
        .dropped.set(stats.dropped_audio + stats.dropped_video);
  }
  record().finished = true;
}

void Worker::fire(const Event& event, Time now) {
  const size_t i = event.session;
  Session& session = sessions_[i];
  switch (event.kind) {
    case Event::Kind::video_frame:
    case Event::Kind::audio_frame:
      if (!session.assigned) return;
      send_frame(session, i, event.kind == Event::Kind::audio_frame, now);
      return;
    case Event::Kind::join:
      ask_for_token(i);
      return;
    case Event::Kind::come:
      if (session.url.empty())
        session.gathers = false;  // connect as soon as the token is here
      else
        connect(i, now);
      return;
    case Event::Kind::go:
      leave(i, now);
      schedule(now + seconds(scenario_.away), Event::Kind::join, i);
      return;
    case Event::Kind::heartbeat:
      session.next_heartbeat = {};
      if (session.assigned) send_state(i, now);
      return;
  }
}

// -- Coming and going ---------------------------------------------------------

void Worker::ask_for_token(size_t i) {
  Session& session = sessions_[i];
  // A gathered token waits for its moment.
  session.gathers = storms(session) ||
                    (session.viewer && scenario_.ramp <= 0 && !gathered_used_);
  set_state(session, SessionState::joining);
  const auto& urls = scenario_.viewer_urls;
  joiner_->join(
      i,
      session.viewer && !urls.empty() ? urls[i % urls.size()] : scenario_.url,
      session.meeting, session.user);
}

void Worker::take_tokens(Time now) {
  joiner_->take(joined_);
  for (Joined& joined : joined_) {
    Session& session = sessions_[joined.session];
    if (joined.url.empty()) {
      client::JoinFailure failure;
      failure.status = joined.status;
      failure.message = joined.error;
      failure.bad_certificate = joined.bad_certificate;
      fail(joined.session, joined.bad_certificate ? -1 : joined.status,
           client::judge(failure, scenario_.url).message);
      if (session.gathers && !storms(session)) record().tokens_ready.add(1);
      continue;
    }
    if (session.viewer)
      output_of(session).together.join_us.add(microseconds(joined.took));
    session.url = std::move(joined.url);
    session.hashes = std::move(joined.certificate_hashes);
    if (!session.gathers)
      connect(joined.session, now);
    else if (!storms(session))
      record().tokens_ready.add(1);
  }
}

void Worker::connect(size_t i, Time now) {
  Session& session = sessions_[i];
  quic::FleetTarget target;
  target.url = std::move(session.url);
  target.certificate_hashes = session.hashes;
  if (session.viewer)
    target.impairment =
        scenario_.impairment_of(session.viewer->viewer_class(), session.seed);
  else if (scenario_.lossy_uplinks)
    target.uplink = scenario_.impairment_of(ViewerClass::lossy, session.seed);
  session.url.clear();
  session.gathers = false;
  session.leaving = false;
  session.connect_began = Clock::now();
  if (auto started = fleet_->connect(i, target, now); !started)
    fail(i, 0, started.error().message);
}

void Worker::leave(size_t i, Time) {
  Session& session = sessions_[i];
  session.leaving = true;
  session.assigned = false;
  if (session.viewer) session.viewer->leave();
  set_state(session, SessionState::left);
  fleet_->close(i, CloseCode::left);
}

void Worker::set_state(const Session& session, SessionState state) {
  if (session.viewer)
    board_.viewer(session.record).state = state;
  else
    board_.publisher(session.record).state = state;
}

void Worker::fail(size_t i, int status, const std::string& why) {
  record().fail(status, why);
  record().failed_sessions.add(1);
  set_state(sessions_[i], SessionState::failed);
}

// -- What the sessions say ----------------------------------------------------

void Worker::on_open(size_t i, Time now) {
  Session& session = sessions_[i];
  if (!session.viewer) return;
  session.viewer->open(now);
  output_of(session).together.connect_us.add(
      microseconds(now - session.connect_began));
}

void Worker::on_packet(size_t i, const Packet& packet, Time now) {
  Session& session = sessions_[i];
  if (packet.fields().type == PacketType::media) {
    if (session.viewer) session.viewer->take(packet, now, output_of(session));
    return;
  }
  if (packet.fields().type == PacketType::session_assigned)
    on_assigned(i, packet, now);
  else if (session.publisher)
    on_control(session, packet);
}

void Worker::on_assigned(size_t i, const Packet& packet, Time now) {
  Session& session = sessions_[i];
  session.assigned = true;
  send_state(i, now);
  if (session.viewer) {
    const std::string viewport = session.viewer->viewport(board_);
    if (!viewport.empty()) send_control(i, PacketType::viewport, viewport, now);
  } else {
    board_.publisher(session.record).session_id.set(packet.fields().session_id);
    // Publishers of one process take turns within a frame's time.
    const double phase = static_cast<double>(i) /
                         static_cast<double>(std::max<size_t>(publishers_, 1));
    if (media_->has_video())
      schedule(now + seconds(phase / media_->fps()), Event::Kind::video_frame,
               i);
    if (media_->has_audio())
      schedule(now + seconds(phase / kAudioPerSecond), Event::Kind::audio_frame,
               i);
  }
  set_state(session, SessionState::open);
}

void Worker::on_control(Session& session, const Packet& packet) {
  const Bytes data = packet.fields().data;
  const auto size = static_cast<int>(data.size());
  if (packet.fields().type == PacketType::keyframe_request) {
    proto::KeyframeRequest request;
    if (request.ParseFromArray(data.data(), size) &&
        request.media_kind() == proto::MEDIA_KIND_VIDEO)
      session.publisher->request_keyframe(request.layer());
  } else if (packet.fields().type == PacketType::layer_hint) {
    proto::LayerHint hint;
    if (!hint.ParseFromArray(data.data(), size)) return;
    for (const auto& entry : hint.entries()) {
      if (entry.media_kind() != proto::MEDIA_KIND_VIDEO) continue;
      uint32_t bits = 0;
      for (const uint32_t layer : entry.requested_layers())
        if (layer < kMaxLayers) bits |= 1u << layer;
      session.publisher->set_wanted_layers(bits);
    }
  }
}

std::string Worker::why_refused(const quic::FleetEnd& end) const {
  const std::string reason(end.reason);
  if (end.status == 0 && scenario_.transport == TransportKind::websocket)
    return "The server's WebSocket does not open: " + reason;
  return client::judge_connect(end.status, reason).message;
}

void Worker::on_ended(size_t i, const quic::FleetEnd& end, Time) {
  Session& session = sessions_[i];
  session.assigned = false;
  if (session.leaving || board_.orders().leave.load()) return;
  if (session.viewer) session.viewer->leave();
  if (session.publisher) session.publisher->leave();
  if (end.was_open) {
    record().lost_sessions.add(1);
    const std::string why =
        "a session ended: " + std::string(to_string(end.code)) + " " +
        std::string(end.reason);
    record().fail(0, why);
    set_state(session, SessionState::failed);
  } else {
    fail(i, end.status, why_refused(end));
  }
}

// -- What the sessions send ---------------------------------------------------

void Worker::send_frame(Session& session, size_t i, bool audio, Time now) {
  packets_.clear();
  if (audio)
    session.publisher->audio(now, packets_);
  else
    session.publisher->video(now, packets_);
  for (const PacketRef& packet : packets_) fleet_->send(i, packet, now);
  const Duration step =
      seconds(1 / (audio ? double(kAudioPerSecond) : media_->fps()));
  // What this process was too late for is left out, as an encoder does that
  // gets no CPU. In a burst, a group's last frames would come behind the next
  // group's first, and the relay would rightly drop them.
  Time& next = audio ? session.next_audio : session.next_video;
  next = std::max(next == Time{} ? now : next, now - step) + step;
  schedule(next, audio ? Event::Kind::audio_frame : Event::Kind::video_frame,
           i);
}

void Worker::send_state(size_t i, Time now) {
  Session& session = sessions_[i];
  proto::MemberState state;
  state.set_video_enabled(session.publisher && media_->has_video());
  state.set_audio_enabled(session.publisher && media_->has_audio());
  send_control(i, PacketType::member_state, state.SerializeAsString(), now);
  if (now < session.next_heartbeat) return;  // one chain of these is enough
  session.next_heartbeat = now + limits::kHeartbeatInterval;
  schedule(session.next_heartbeat, Event::Kind::heartbeat, i);
}

void Worker::send_control(size_t i, PacketType type, const std::string& data,
                          Time now) {
  PacketFields fields;
  fields.type = type;
  fields.data = bytes_of(data);
  if (auto packet = Packet::build(fields)) fleet_->send(i, *packet, now);
}

ViewerOutput Worker::output_of(const Session& session) {
  const auto index = static_cast<size_t>(session.viewer->viewer_class());
  return {record().classes[index], board_, number_};
}

}  // namespace videocall::loadtest
