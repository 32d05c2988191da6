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
  bool gone = false;       // the client is; the server's thread only
  bool answered = false;   // the server's thread only
  bool handed_on = false;  // to the host; the server's thread only

  ~Upgrade() {
    if (message) g_object_unref(message);
    if (context) g_main_context_unref(context);
  }
};

namespace {

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
    answer(message, 400, error ? error->message : "no WebSocket handshake");
    g_clear_error(&error);
    return;
  }
  Refusal refusal{503, "closing"};
  with_host([&](const Host& host) { refusal = host.check(remote_address); });
  if (refusal.status != 0) {
    answer(message, refusal.status, refusal.reason);
    return;
  }
  quic::MeetingPath path = quic::MeetingPath::parse(path_and_query(message));
  if (path.status != 200) {
    answer(message, path.status, path.reason);
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
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= limits::kMaxPendingAdmissions) {
      answer(message, 503, "too many sessions");
      return;
    }
    upgrade->id = request.id = ++last_id_;
    waiting_[upgrade->id] = upgrade;
  }
  request.meeting_id = std::move(path.meeting_id);
  request.token = std::move(path.token);
  request.resume = std::move(path.resume);
  request.origin = header(message, "Origin");
  request.authority = header(message, "Host");
  request.remote_address = remote_address;
  upgrade->timer = g_timeout_source_new(static_cast<guint>(
      std::chrono::ceil<std::chrono::milliseconds>(timeout_).count()));
  struct Timeout {
    std::weak_ptr<UpgradeDesk> desk;
    uint64_t id;
  };
  g_source_set_callback(
      upgrade->timer,
      [](gpointer held) -> gboolean {
        auto* timeout = static_cast<Timeout*>(held);
        if (auto desk = timeout->desk.lock())
          desk->refuse(timeout->id, 503, "admission timed out");
        return G_SOURCE_CONTINUE;
      },
      new Timeout{weak_from_this(), upgrade->id},
      [](gpointer held) { delete static_cast<Timeout*>(held); });
  g_source_attach(upgrade->timer, upgrade->context);
  soup_server_message_pause(message);
  ask(request);
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
  const UpgradePtr upgrade = remove(request_id);
  if (!upgrade) return;
  decide(upgrade, [upgrade, status, text = std::string(reason)] {
    answer(upgrade->message, status, text);
    soup_server_message_unpause(upgrade->message);
  });
}

void UpgradeDesk::admit(uint64_t request_id, std::shared_ptr<void> grant) {
  const UpgradePtr upgrade = remove(request_id);
  if (!upgrade) return;
  upgrade->grant = std::move(grant);
  decide(upgrade, [desk = shared_from_this(), upgrade] {
    Refusal refusal{503, "closing"};
    desk->with_host([&](const Host& host) {
      refusal = host.take(upgrade->remote_address);
    });
    if (refusal.status != 0)
      answer(upgrade->message, refusal.status, refusal.reason);
    else
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
  connect(upgrade->message, "finished", [desk = shared_from_this(), upgrade] {
    // These handlers hold it, and the message holds them.
    g_clear_object(&upgrade->message);
    if (!std::exchange(upgrade->handed_on, true))
      desk->with_host([&](const Host& host) {
        host.done({nullptr, upgrade->id, upgrade->remote_address, nullptr});
      });
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
  with_host([&](const Host& host) { host.done(std::move(command)); });
}

void UpgradeDesk::refuse_all(std::string_view reason) {
  std::map<uint64_t, UpgradePtr> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(waiting_);
  }
  for (const auto& [id, upgrade] : all)
    decide(upgrade, [upgrade = upgrade, text = std::string(reason)] {
      answer(upgrade->message, 503, text);
      soup_server_message_unpause(upgrade->message);
    });
}

void UpgradeDesk::close() {
  {
    const std::lock_guard lock(host_mutex_);
    closed_ = true;
  }
  refuse_all("closing");
}

}  // namespace videocall::websocket
