// SPDX-License-Identifier: MIT
#include "cli/loadtest/joiner.h"

#include <libsoup/soup.h>

#include <nlohmann/json.hpp>

namespace videocall::loadtest {
namespace {

using nlohmann::json;

constexpr size_t kAtOnce = 16;
constexpr unsigned kTimeoutSeconds = 30;

// The answer's URL with the token, or what is wrong with the answer.
void read_answer(std::string_view body, const std::string& kind, Joined& out) {
  const json reply = json::parse(body, nullptr, false);
  if (!reply.is_object() || !reply.contains("result") ||
      !reply["result"].is_object()) {
    out.error = "the answer is none of videocall's API";
    return;
  }
  const json& result = reply["result"];
  if (out.status < 200 || out.status >= 300) {
    out.error = result.value("message", "");
    return;
  }
  const std::string token = result.value("room_token", "");
  for (const json& transport : result.value("transports", json::array())) {
    if (!transport.is_object() || transport.value("kind", "") != kind) continue;
    out.url = transport.value("url", "") + "?token=" + token + "&v=1";
    for (const json& hash :
         transport.value("certificate_hashes", json::array()))
      if (hash.is_object() && hash.value("algorithm", "") == "sha-256")
        out.certificate_hashes.push_back(hash.value("value", ""));
  }
  if (token.empty()) {
    out.url.clear();
    out.error = "the meeting admits nobody without its host (status \"" +
                result.value("status", "") + "\")";
  } else if (out.url.empty()) {
    out.error = "the server offers no " + kind;
  }
}

}  // namespace

struct Joiner::Call {
  Joiner* joiner = nullptr;
  SoupMessage* message = nullptr;
  Joined joined;
  Time begin;

  // |data|: the call, which ends here.
  static void on_answer(GObject* source, GAsyncResult* result, gpointer data);
};

Joiner::Joiner(std::string transport, bool insecure_skip_verify,
               std::function<void()> wake)
    : transport_(std::move(transport)),
      insecure_skip_verify_(insecure_skip_verify),
      wake_(std::move(wake)),
      context_(g_main_context_new()),
      thread_([this] { run(); }) {}

Joiner::~Joiner() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  g_main_context_wakeup(context_);
  thread_.join();
  g_main_context_unref(context_);
}

void Joiner::join(size_t session, const std::string& url,
                  const std::string& meeting, const std::string& user) {
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back({session, url, meeting, user});
  }
  g_main_context_wakeup(context_);
}

void Joiner::take(std::vector<Joined>& out) {
  out.clear();
  const std::lock_guard lock(mutex_);
  out.swap(answers_);
}

void Joiner::run() {
  g_main_context_push_thread_default(context_);
  session_ = soup_session_new_with_options(
      "timeout", kTimeoutSeconds, "max-conns-per-host", int(kAtOnce),
      "max-conns", int(kAtOnce), "user-agent", "videocall-cli-loadtest",
      nullptr);
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stop_) break;
    }
    start_calls();
    g_main_context_iteration(context_, TRUE);
  }
  soup_session_abort(session_);
  while (running_ > 0) g_main_context_iteration(context_, TRUE);
  g_object_unref(session_);
  g_main_context_pop_thread_default(context_);
}

void Joiner::start_calls() {
  while (running_ < kAtOnce) {
    Request request;
    {
      const std::lock_guard lock(mutex_);
      if (requests_.empty()) return;
      request = std::move(requests_.front());
      requests_.pop_front();
    }
    start(std::move(request));
  }
}

void Joiner::start(Request request) {
  auto* call = new Call{this, nullptr, {}, Clock::now()};
  call->joined.session = request.session;
  std::string url = request.url;
  while (!url.empty() && url.back() == '/') url.pop_back();
  url += "/api/v1/meetings/" + request.meeting + "/join";
  call->message = soup_message_new("POST", url.c_str());
  if (!call->message) {
    call->joined.error = "--url is no http:// or https:// address";
    finish(std::move(call->joined));
    delete call;
    return;
  }
  const std::string text =
      json{{"display_name", request.user}, {"user_id", request.user}}.dump();
  GBytes* body = g_bytes_new(text.data(), text.size());
  soup_message_set_request_body_from_bytes(call->message, "application/json",
                                           body);
  g_bytes_unref(body);
  const auto accept =
      +[](SoupMessage*, GTlsCertificate*, GTlsCertificateFlags,
          gpointer skip) -> gboolean { return GPOINTER_TO_INT(skip) != 0; };
  g_signal_connect(call->message, "accept-certificate", G_CALLBACK(accept),
                   GINT_TO_POINTER(insecure_skip_verify_ ? 1 : 0));
  ++running_;
  soup_session_send_and_read_async(session_, call->message, G_PRIORITY_DEFAULT,
                                   nullptr, Call::on_answer, call);
}

void Joiner::Call::on_answer(GObject* source, GAsyncResult* result,
                             gpointer data) {
  auto* const ended = static_cast<Call*>(data);
  Joined& joined = ended->joined;
  joined.took = Clock::now() - ended->begin;
  GError* error = nullptr;
  GBytes* answer =
      soup_session_send_and_read_finish(SOUP_SESSION(source), result, &error);
  if (answer) {
    gsize size = 0;
    const void* bytes = g_bytes_get_data(answer, &size);
    joined.status = static_cast<int>(soup_message_get_status(ended->message));
    try {
      read_answer({static_cast<const char*>(bytes), size},
                  ended->joiner->transport_, joined);
    } catch (const json::exception&) {  // a field of another type
      joined.url.clear();
      joined.error = "the answer is none of videocall's API";
    }
    g_bytes_unref(answer);
  } else {
    joined.error = error->message;
    joined.bad_certificate = error->domain == G_TLS_ERROR &&
                             error->code == G_TLS_ERROR_BAD_CERTIFICATE;
    g_error_free(error);
  }
  g_object_unref(ended->message);
  --ended->joiner->running_;
  ended->joiner->finish(std::move(joined));
  delete ended;
}

void Joiner::finish(Joined joined) {
  {
    const std::lock_guard lock(mutex_);
    answers_.push_back(std::move(joined));
  }
  wake_();
}

}  // namespace videocall::loadtest
