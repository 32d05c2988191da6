// SPDX-License-Identifier: MIT
#include "plugins/websocket/websocketupgrade.h"

#include <libsoup/soup.h>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/meeting_url.h"

namespace videocall::websocket {

struct Upgrade {
  SoupServerMessage* message = nullptr;  // owned; the server's thread only
  GMainContext* context = nullptr;       // owned; that of the server
  GSource* timer = nullptr;              // owned; the server's thread only
  uint64_t id = 0;
  std::string remote_address;
  std::shared_ptr<void> grant;
  quic::SessionQuota::Seat seat;  // from its admission until handed on
  bool gone = false;              // the client is; the server's thread only
  bool answered = false;          // the server's thread only
  bool handed_on = false;         // to the host; the server's thread only

  ~Upgrade() {
    if (message) g_object_unref(message);
    if (context) g_main_context_unref(context);
  }
};

namespace {

using Why = quic::ConnectRefusal;

void answer(SoupServerMessage* message, int status, const std::string& reason) {
  soup_server_message_set_status(message, static_cast<guint>(status), nullptr);
  const std::string text = reason + "\n";
  soup_server_message_set_response(message, "text/plain", SOUP_MEMORY_COPY,
                                   text.data(), text.size());
  if (status == 429 || status == 503)
    soup_message_headers_replace(
        soup_server_message_get_response_headers(message), "Retry-After", "1");
}

std::string header(SoupServerMessage* message, const char* name) {
  const char* value = soup_message_headers_get_one(
      soup_server_message_get_request_headers(message), name);
  return value ? value : "";
}

std::string path_and_query(SoupServerMessage* message) {
  GUri* uri = soup_server_message_get_uri(message);
  std::string path = g_uri_get_path(uri);
  if (const char* query = g_uri_get_query(uri))
    path += std::string("?") + query;
  return path;
}

// Later, whoever calls: g_main_context_invoke() may run it in any thread while
// the loop does not run.
void run_in(GMainContext* context, std::function<void()> task) {
  GSource* source = g_idle_source_new();
  g_source_set_priority(source, G_PRIORITY_DEFAULT);
  g_source_set_callback(
      source,
      [](gpointer held) -> gboolean {
        (*static_cast<std::function<void()>*>(held))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(task)),
      [](gpointer held) { delete static_cast<std::function<void()>*>(held); });
  g_source_attach(source, context);
  g_source_unref(source);
}

void stop_timer(Upgrade& upgrade) {
  if (!upgrade.timer) return;
  g_source_destroy(upgrade.timer);
  g_source_unref(upgrade.timer);
  upgrade.timer = nullptr;
}

// A handler of a signal of the message that holds |function| while connected.
template <typename Function>
void connect(SoupServerMessage* message, const char* signal,
             Function function) {
  g_signal_connect_data(
      message, signal, G_CALLBACK(+[](SoupServerMessage*, gpointer held) {
        (*static_cast<Function*>(held))();
      }),
      new Function(std::move(function)),
      [](gpointer held, GClosure*) { delete static_cast<Function*>(held); },
      static_cast<GConnectFlags>(0));
}

}  // namespace

void UpgradeDesk::with_host(const std::function<void(const Host&)>& call) {
  const std::lock_guard lock(host_mutex_);
  if (!closed_) call(host_);
}

void UpgradeDesk::take(
    SoupServerMessage* message, const std::string& remote_address,
    const std::function<void(const quic::SessionRequest&)>& ask) {
  GError* error = nullptr;
  if (!soup_server_message_get_method(message) ||
      !soup_websocket_server_check_handshake(message, nullptr, nullptr, nullptr,
                                             &error)) {
    turn_away(message, Why::request, 400,
              error ? error->message : "no WebSocket handshake");
    g_clear_error(&error);
    return;
  }
  if (turned_away(message,
                  [&](const Host& host) { return host.check(remote_address); }))
    return;
  quic::MeetingPath path = quic::MeetingPath::parse(path_and_query(message));
  if (path.status != 200) {
    turn_away(message, Why::request, path.status, path.reason);
    return;
  }
  auto upgrade = std::make_shared<Upgrade>();
  upgrade->message = SOUP_SERVER_MESSAGE(g_object_ref(message));
  upgrade->context = g_main_context_ref_thread_default();
  upgrade->remote_address = remote_address;
  connect(message, "finished", [weak = std::weak_ptr<Upgrade>(upgrade)] {
    if (auto live = weak.lock()) live->gone = true;
  });
  quic::SessionRequest request;
  if (!register_waiting(upgrade)) {
    turn_away(message, Why::full, 503, "too many sessions");
    return;
  }
  request.id = upgrade->id;
  request.meeting_id = std::move(path.meeting_id);
  request.token = std::move(path.token);
  request.resume = std::move(path.resume);
  request.origin = header(message, "Origin");
  request.authority = header(message, "Host");
  request.remote_address = remote_address;
  start_timer(*upgrade);
  soup_server_message_pause(message);
  ask(request);
}

// Refuses it when nobody has decided in time.
void UpgradeDesk::start_timer(Upgrade& upgrade) {
  upgrade.timer = g_timeout_source_new(static_cast<guint>(
      std::chrono::ceil<std::chrono::milliseconds>(timeout_).count()));
  struct Timeout {
    std::weak_ptr<UpgradeDesk> desk;
    uint64_t id;
  };
  g_source_set_callback(
      upgrade.timer,
      [](gpointer held) -> gboolean {
        auto* timeout = static_cast<Timeout*>(held);
        if (auto desk = timeout->desk.lock())
          desk->refuse(desk->remove(timeout->id), Why::timeout, 503,
                       "admission timed out");
        return G_SOURCE_CONTINUE;
      },
      new Timeout{weak_from_this(), upgrade.id},
      [](gpointer held) { delete static_cast<Timeout*>(held); });
  g_source_attach(upgrade.timer, upgrade.context);
}

// Gives it an id; false: too many wait.
bool UpgradeDesk::register_waiting(const UpgradePtr& upgrade) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= limits::kMaxPendingAdmissions) return false;
  upgrade->id = ++last_id_;
  waiting_[upgrade->id] = upgrade;
  return true;
}

UpgradeDesk::UpgradePtr UpgradeDesk::remove(uint64_t request_id) {
  const std::lock_guard lock(mutex_);
  const auto found = waiting_.find(request_id);
  if (found == waiting_.end()) return nullptr;
  UpgradePtr upgrade = std::move(found->second);
  waiting_.erase(found);
  return upgrade;
}

// Runs |task| on the server's thread, unless the client has gone.
void UpgradeDesk::decide(const UpgradePtr& upgrade,
                         std::function<void()> task) {
  run_in(upgrade->context, [upgrade, task = std::move(task)] {
    stop_timer(*upgrade);
    if (upgrade->gone || std::exchange(upgrade->answered, true)) return;
    task();
  });
}

void UpgradeDesk::refuse(uint64_t request_id, int status,
                         std::string_view reason) {
  refuse(remove(request_id), Why::program, status, reason);
}

void UpgradeDesk::refuse(const UpgradePtr& upgrade, quic::ConnectRefusal why,
                         int status, std::string_view reason) {
  if (!upgrade) return;
  decide(upgrade, [desk = shared_from_this(), upgrade, why, status,
                   text = std::string(reason)] {
    desk->turn_away(upgrade->message, why, status, text);
    soup_server_message_unpause(upgrade->message);
  });
}

void UpgradeDesk::turn_away(SoupServerMessage* message,
                            quic::ConnectRefusal why, int status,
                            const std::string& reason) {
  answer(message, status, reason);
  with_host([&](const Host& host) { host.refused(why); });
}

bool UpgradeDesk::turned_away(SoupServerMessage* message,
                              const std::function<Refusal(const Host&)>& ask) {
  Refusal why = Why::draining;
  with_host([&](const Host& host) { why = ask(host); });
  if (why == Why::draining) {
    turn_away(message, Why::draining, 503, "draining");
  } else if (why) {
    const quic::QuotaAnswer answer = quic::answer_of(*why);
    turn_away(message, *why, answer.status, std::string(answer.reason));
  }
  return why.has_value();
}

void UpgradeDesk::admit(uint64_t request_id, std::shared_ptr<void> grant) {
  const UpgradePtr upgrade = remove(request_id);
  if (!upgrade) return;
  upgrade->grant = std::move(grant);
  decide(upgrade, [desk = shared_from_this(), upgrade] {
    if (!desk->turned_away(upgrade->message, [&](const Host& host) {
          return host.take(upgrade->remote_address, upgrade->seat);
        }))
      desk->accept(upgrade);
    soup_server_message_unpause(upgrade->message);
  });
}

void UpgradeDesk::accept(const UpgradePtr& upgrade) {
  // Checked before; permessage-deflate is not offered, it trebles the cost.
  soup_websocket_server_process_handshake(upgrade->message, nullptr, nullptr,
                                          nullptr, nullptr);
  connect(upgrade->message, "wrote-informational",
          [desk = shared_from_this(), upgrade] { desk->on_switched(upgrade); });
  // The client may go before the 101 went out.
  connect(upgrade->message, "finished", [upgrade] {
    // These handlers hold it, and the message holds them.
    g_clear_object(&upgrade->message);
    upgrade->handed_on = true;
    upgrade->seat.leave();
  });
}

void UpgradeDesk::on_switched(const UpgradePtr& upgrade) {
  if (!upgrade->message ||
      soup_server_message_get_status(upgrade->message) !=
          SOUP_STATUS_SWITCHING_PROTOCOLS ||
      std::exchange(upgrade->handed_on, true))
    return;
  const Object<SoupServerMessage> message(
      std::exchange(upgrade->message, nullptr));
  AdoptCommand command;
  command.stream.reset(soup_server_message_steal_connection(message.get()));
  command.request_id = upgrade->id;
  command.remote_address = upgrade->remote_address;
  command.grant = std::move(upgrade->grant);
  command.seat = std::move(upgrade->seat);
  with_host([&](const Host& host) { host.done(std::move(command)); });
}

void UpgradeDesk::refuse_all(std::string_view reason) {
  std::map<uint64_t, UpgradePtr> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiting_);
  }
  for (const auto& [id, upgrade] : all)
    refuse(upgrade, Why::draining, 503, reason);
}

void UpgradeDesk::close() {
  {
    const std::lock_guard lock(host_mutex_);
    closed_ = true;
  }
  refuse_all("closing");
}

}  // namespace videocall::websocket
