// SPDX-License-Identifier: MIT
#include "plugins/videocall/gstvideocallconnection.h"

#include <algorithm>
#include <map>
#include <random>

GST_DEBUG_CATEGORY_EXTERN(gst_videocall_bins_debug);
#define GST_CAT_DEFAULT gst_videocall_bins_debug

namespace videocall::gst {
namespace {

constexpr auto kTickInterval = 5s;
constexpr auto kPulseInterval = 500ms;
constexpr char kClientName[] = "videocall-gst/" VIDEOCALL_VERSION;

std::mutex g_registry_lock;  // guards registry()
std::map<std::string, std::weak_ptr<Connection>>& registry() {
  static auto* const connections =
      new std::map<std::string, std::weak_ptr<Connection>>;
  return *connections;
}

client::OwnState sum_of(const std::vector<ConnectionUser*>& users,
                        const std::string& display_name) {
  client::OwnState sum;
  for (const ConnectionUser* user : users) {
    const client::OwnState own = user->own_state();
    sum.video_enabled |= own.video_enabled;
    sum.audio_enabled |= own.audio_enabled;
    sum.screen_enabled |= own.screen_enabled;
  }
  sum.display_name = display_name;
  return sum;
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::acquire(
    const std::string& name, const Settings& settings, bool wants_video) {
  if (name.empty()) return std::make_shared<Connection>(settings, wants_video);
  const std::lock_guard guard(g_registry_lock);
  std::weak_ptr<Connection>& entry = registry()[name];
  if (auto live = entry.lock()) {
    if (live->settings_ == settings) return live;
    return Error{Errc::invalid_argument,
                 "another element uses the connection \"" + name +
                     "\" with other settings"};
  }
  auto fresh = std::make_shared<Connection>(settings, true);
  entry = fresh;
  return fresh;
}

Connection::Connection(const Settings& settings, bool wants_video)
    : settings_(settings), wants_video_(wants_video) {}

Connection::~Connection() {
  stop_thread();
}

// -- Users
// -----------------------------------------------------------------------

void Connection::add(ConnectionUser* user) {
  const std::lock_guard life(life_lock_);
  {
    const std::lock_guard guard(users_lock_);
    users_.push_back(user);
  }
  if (!thread_.joinable()) {
    start_thread();
    return;
  }
  own_state_changed();
  invoke([this, user] {
    const std::shared_lock guard(users_lock_);
    if (std::find(users_.begin(), users_.end(), user) == users_.end()) return;
    user->on_state({session_->state(), 0, "", ""});
    session_->roster().for_each([user](const client::Member& member) {
      user->on_member_joined(member);
    });
  });
}

void Connection::remove(ConnectionUser* user) {
  const std::lock_guard life(life_lock_);
  bool last = false;
  {
    const std::lock_guard guard(users_lock_);
    std::erase(users_, user);
    last = users_.empty();
  }
  if (last)
    stop_thread();
  else
    own_state_changed();
}

void Connection::each_user(const std::function<void(ConnectionUser&)>& call) {
  const std::shared_lock guard(users_lock_);
  for (ConnectionUser* user : users_) call(*user);
}

// -- The thread
// --------------------------------------------------------------------

void Connection::start_thread() {
  {
    const std::lock_guard guard(context_lock_);
    context_ = g_main_context_new();
  }
  loop_ = g_main_loop_new(context_, FALSE);
  thread_ = std::thread(&Connection::run, this);
}

void Connection::stop_thread() {
  if (!thread_.joinable()) return;
  invoke([this] {
    session_->stop();
    g_main_loop_quit(loop_);
  });
  thread_.join();
  g_main_loop_unref(loop_);
  loop_ = nullptr;
  {
    const std::lock_guard guard(context_lock_);
    g_main_context_unref(context_);
    context_ = nullptr;
  }
  state_ = client::State::idle;
}

void Connection::run() {
  g_main_context_push_thread_default(context_);
  client::ClientConfig config;
  config.location = settings_.location;
  config.seed = std::random_device()();
  config.wants_video = wants_video_;
  config.transport = settings_.transport;
  session_.emplace(static_cast<client::ClientSessionOwner&>(*this), config);
  join_.emplace(JoinRequest::Parameters{
      settings_.location, settings_.meeting, settings_.user,
      settings_.display_name, kClientName, settings_.insecure_skip_verify});
  {
    const std::shared_lock guard(users_lock_);
    session_->set_own_state(sum_of(users_, settings_.display_name),
                            Clock::now());
  }
  session_->start(Clock::now());
  arm();
  g_main_loop_run(loop_);

  if (timer_) {
    g_source_destroy(timer_);
    g_source_unref(timer_);
    timer_ = nullptr;
  }
  drop_transport();
  join_.reset();
  session_.reset();
  // What was cancelled gets its callback, so that nothing leaks.
  while (g_main_context_iteration(context_, FALSE)) {
  }
  g_main_context_pop_thread_default(context_);
}

void Connection::invoke(std::function<void()> task) {
  const std::lock_guard guard(context_lock_);
  if (!context_) return;
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(
      source,
      [](gpointer data) -> gboolean {
        (*static_cast<std::function<void()>*>(data))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(task)),
      [](gpointer data) { delete static_cast<std::function<void()>*>(data); });
  g_source_attach(source, context_);
  g_source_unref(source);
}

// Sets the timer to what is due next; after everything that happened.
void Connection::arm() {
  if (timer_) {
    g_source_destroy(timer_);
    g_source_unref(timer_);
    timer_ = nullptr;
  }
  if (!session_) return;
  Time next = session_->next_timer();
  if (state_ == client::State::connected)
    next = std::min({next, next_tick_, next_pulse_});
  if (next == Time::max()) return;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(
      std::max(next - Clock::now(), Duration(0)));
  timer_ = g_timeout_source_new(static_cast<guint>(wait.count()));
  g_source_set_callback(
      timer_,
      [](gpointer data) -> gboolean {
        static_cast<Connection*>(data)->on_timer();
        return G_SOURCE_REMOVE;
      },
      this, nullptr);
  g_source_attach(timer_, context_);
}

void Connection::on_timer() {
  const Time now = Clock::now();
  if (now >= session_->next_timer()) session_->on_timer(now);
  if (state_ == client::State::connected && now >= next_tick_) {
    next_tick_ = now + kTickInterval;
    each_user([](ConnectionUser& user) { user.on_tick(); });
    send_health();
  }
  if (state_ == client::State::connected && now >= next_pulse_) {
    next_pulse_ = now + kPulseInterval;
    each_user([](ConnectionUser& user) { user.on_pulse(); });
  }
  arm();
}

void Connection::send_health() {
  const StructurePtr link = stats();
  GstClockTime rtt = 0;
  gst_structure_get_uint64(link.get(), "rtt", &rtt);
  const gchar* transport = gst_structure_get_string(link.get(), "transport");
  PacketRef packet;
  {
    const std::lock_guard guard(health_lock_);
    packet = health_.report(
        wants_video_ ? &session_->roster() : nullptr,
        {.transport = transport,
         .rtt = std::chrono::nanoseconds(rtt),
         .unix_ms = static_cast<uint64_t>(g_get_real_time()) / 1'000});
  }
  if (packet) push(std::move(packet));
}

// -- What the session wants
// ----------------------------------------------------------

void Connection::start_join() {
  join_->start([this](JoinOutcome outcome) {
    if (auto* answer = std::get_if<client::JoinAnswer>(&outcome))
      session_->on_joined(*answer, Clock::now());
    else
      session_->on_join_failed(std::get<client::JoinFailure>(outcome),
                               Clock::now());
    arm();
  });
}

void Connection::start_connect(
    const std::vector<client::ConnectTarget>& targets) {
  drop_transport();
  std::vector<Transport::Options> all;
  for (const client::ConnectTarget& target : targets)
    all.push_back({target.kind, target.url, target.certificate_hashes,
                   settings_.insecure_skip_verify, settings_.keylog_file,
                   settings_.congestion_control, kClientName});
  std::shared_ptr<TransportRace> transport =
      TransportRace::create(all, *this, context_);
  if (!transport) {
    invoke([this] {
      session_->on_connect_refused(
          501, "the elements of a transport are missing", Clock::now());
      arm();
    });
    return;
  }
  {
    const std::lock_guard guard(transport_lock_);
    transport_ = transport;
  }
  transport->start();
}

void Connection::abandon(CloseCode code) {
  join_->cancel();
  drop_transport(code);
}

// Waits for the transport's streaming thread; no lock may be held that it
// takes.
void Connection::drop_transport(CloseCode code) {
  std::shared_ptr<TransportRace> transport;
  {
    const std::lock_guard guard(transport_lock_);
    transport.swap(transport_);
  }
  // A thread that pushes may hold on to it; it ends here all the same.
  if (transport) transport->stop(code);
}

void Connection::on_state(const client::StateChange& change) {
  const client::State before = state_.exchange(change.state);
  session_id_ = session_->session_id();
  if (change.state == client::State::connected) {
    {
      const std::lock_guard guard(health_lock_);
      health_.reset();
    }
    next_tick_ = Clock::now() + kTickInterval;
    next_pulse_ = Clock::now() + kPulseInterval;
    if (before == client::State::reconnecting) ++reconnects_;
  }
  GST_INFO("%s: %s %s", settings_.meeting.c_str(), to_string(change.state),
           change.reason.c_str());
  each_user([&](ConnectionUser& user) { user.on_state(change); });
}

void Connection::on_keyframe_wanted(MediaKind kind, unsigned layer) {
  each_user(
      [&](ConnectionUser& user) { user.on_keyframe_wanted(kind, layer); });
}

void Connection::on_layers_wanted(MediaKind kind, uint32_t layers) {
  each_user([&](ConnectionUser& user) { user.on_layers_wanted(kind, layers); });
}

void Connection::on_member_joined(const client::Member& member) {
  ++members_;
  each_user([&](ConnectionUser& user) { user.on_member_joined(member); });
}

void Connection::on_member_changed(const client::Member& member) {
  each_user([&](ConnectionUser& user) { user.on_member_changed(member); });
}

void Connection::on_member_left(const client::Member& member,
                                const std::string& reason) {
  --members_;
  each_user([&](ConnectionUser& user) { user.on_member_left(member, reason); });
}

// -- What the transport tells
// --------------------------------------------------------

void Connection::on_packets(std::vector<PacketRef> packets) {
  std::vector<PacketRef> control;
  {
    const std::shared_lock guard(users_lock_);
    for (PacketRef& packet : packets) {
      if (packet->fields().type == PacketType::media) {
        {
          const std::lock_guard health_guard(health_lock_);
          health_.got(packet->fields().session_id, packet->fields().kind);
        }
        for (ConnectionUser* user : users_) user->on_media(packet);
      } else {
        control.push_back(std::move(packet));
      }
    }
  }
  if (control.empty()) return;
  invoke([this, control = std::move(control)] {
    if (!session_) return;
    for (const PacketRef& packet : control)
      session_->on_packet(*packet, Clock::now());
    arm();
  });
}

// The transport is in the middle of a call: it must not be destroyed under it.
void Connection::on_refused(int status, const std::string& reason) {
  invoke([this, status, reason] {
    if (!session_) return;
    drop_transport();
    session_->on_connect_refused(status, reason, Clock::now());
    arm();
  });
}

void Connection::on_disconnected(CloseCode code, const std::string& reason) {
  invoke([this, code, reason] {
    if (!session_) return;
    drop_transport();
    session_->on_disconnected(code, reason, Clock::now());
    arm();
  });
}

void Connection::on_draining() {
  session_->on_draining(Clock::now());
}

// -- Any thread
// ------------------------------------------------------------------------

void Connection::push(PacketRef packet) {
  std::shared_ptr<TransportRace> transport;
  {
    const std::lock_guard guard(transport_lock_);
    transport = transport_;
  }
  if (transport) transport->push(std::move(packet));
}

void Connection::request_keyframe(uint64_t session_id, MediaKind kind,
                                  unsigned layer) {
  invoke([this, session_id, kind, layer] {
    if (session_) session_->request_keyframe(session_id, kind, layer);
  });
}

void Connection::own_state_changed() {
  invoke([this] {
    if (!session_) return;
    const std::shared_lock guard(users_lock_);
    session_->set_own_state(sum_of(users_, settings_.display_name),
                            Clock::now());
    arm();
  });
}

StructurePtr Connection::stats() const {
  std::shared_ptr<TransportRace> transport;
  {
    const std::lock_guard guard(transport_lock_);
    transport = transport_;
  }
  StructurePtr stats = transport ? transport->stats() : nullptr;
  if (!stats) stats.reset(gst_structure_new_empty("videocall-stats"));
  gst_structure_set_name(stats.get(), "videocall-stats");
  GstClockTime rtt = 0;
  if (gst_structure_get_uint64(stats.get(), "rtt", &rtt) && rtt > 0)
    gst_structure_set(stats.get(), "rtt-ms", G_TYPE_DOUBLE,
                      static_cast<double>(rtt) / GST_MSECOND, nullptr);
  guint64 sent = 0;
  guint64 lost = 0;
  if (gst_structure_get_uint64(stats.get(), "udp-packets-sent", &sent) &&
      gst_structure_get_uint64(stats.get(), "udp-packets-lost", &lost) &&
      sent > 0)
    gst_structure_set(
        stats.get(), "loss-percent", G_TYPE_DOUBLE,
        100.0 * static_cast<double>(lost) / static_cast<double>(sent), nullptr);
  gst_structure_set(stats.get(), "transport", G_TYPE_STRING,
                    transport ? transport->kind().c_str() : "", "state",
                    G_TYPE_STRING, client::to_string(state_), "session-id",
                    G_TYPE_UINT64, guint64{session_id_}, "members", G_TYPE_UINT,
                    guint{members_}, "reconnects", G_TYPE_UINT,
                    guint{reconnects_}, nullptr);
  return stats;
}

}  // namespace videocall::gst
