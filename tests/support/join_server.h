// SPDX-License-Identifier: MIT
// The HTTP API's join, answered as a test says, in a thread of its own.
#pragma once

#include <libsoup/soup.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace videocall::testing {

struct JoinReply {
  unsigned status = 200;
  std::string body;
};

class JoinServer {
 public:
  // Called in the server's thread.
  using Answer = std::function<JoinReply(const std::string& meeting,
                                         const nlohmann::json& request)>;

  explicit JoinServer(Answer answer) : answer_(std::move(answer)) {
    context_ = g_main_context_new();
    loop_ = g_main_loop_new(context_, FALSE);
    std::atomic<bool> ready{false};
    thread_ = std::thread([this, &ready] {
      g_main_context_push_thread_default(context_);
      server_ = soup_server_new(nullptr, nullptr);
      soup_server_add_handler(server_, "/api/v1/meetings", handle, this,
                              nullptr);
      GSocketAddress* address =
          g_inet_socket_address_new_from_string("127.0.0.1", 0);
      GError* error = nullptr;
      soup_server_listen(server_, address, SoupServerListenOptions(0), &error);
      g_assert_no_error(error);
      g_object_unref(address);
      GSList* uris = soup_server_get_uris(server_);
      port_ = g_uri_get_port(static_cast<GUri*>(uris->data));
      g_slist_free_full(uris, reinterpret_cast<GDestroyNotify>(g_uri_unref));
      ready = true;
      ready.notify_all();
      g_main_loop_run(loop_);
      soup_server_disconnect(server_);
      g_object_unref(server_);
      g_main_context_pop_thread_default(context_);
    });
    ready.wait(false);
  }
  ~JoinServer() {
    g_main_context_invoke(
        context_,
        [](gpointer loop) -> gboolean {
          g_main_loop_quit(static_cast<GMainLoop*>(loop));
          return G_SOURCE_REMOVE;
        },
        loop_);
    thread_.join();
    g_main_loop_unref(loop_);
    g_main_context_unref(context_);
  }
  JoinServer(const JoinServer&) = delete;
  JoinServer& operator=(const JoinServer&) = delete;

  std::string location() const {
    return "http://127.0.0.1:" + std::to_string(port_);
  }
  int joins() const { return joins_; }
  // From now on every join is answered with |reply|; status 0: as before.
  void set_reply(const JoinReply& reply) {
    const std::lock_guard guard(lock_);
    reply_ = reply;
  }

  // What videocalld answers to who is let in; the token is USER.NUMBER.
  static std::string admitted(const nlohmann::json& request,
                              const std::string& url, const std::string& hash) {
    static std::atomic<int> count{0};
    const std::string user = request.value("user_id", std::string("guest"));
    const std::string token = user + "." + std::to_string(++count);
    return nlohmann::json{
        {"success", true},
        {"result",
         {{"user_id", user},
          {"display_name", request.value("display_name", user)},
          {"status", "admitted"},
          {"is_host", false},
          {"room_token", token},
          {"e2ee", "off"},
          {"transports",
           {{{"kind", "webtransport"},
             {"url", url},
             {"certificate_hashes",
              {{{"algorithm", "sha-256"}, {"value", hash}}}}}}}}}}
        .dump();
  }
  static std::string failure(const std::string& code,
                             const std::string& message) {
    return nlohmann::json{{"success", false},
                          {"result", {{"code", code}, {"message", message}}}}
        .dump();
  }

 private:
  static void handle(SoupServer*, SoupServerMessage* message, const char* path,
                     GHashTable*, gpointer data) {
    auto* self = static_cast<JoinServer*>(data);
    ++self->joins_;
    const std::string text = path;
    const std::string prefix = "/api/v1/meetings/";
    const std::string meeting =
        text.substr(prefix.size(), text.rfind('/') - prefix.size());
    SoupMessageBody* body = soup_server_message_get_request_body(message);
    const auto request = nlohmann::json::parse(
        body->data, body->data + body->length, nullptr, false);
    JoinReply reply;
    {
      const std::lock_guard guard(self->lock_);
      reply = self->reply_;
    }
    if (reply.status == 0 || reply.body.empty())
      reply = self->answer_(meeting, request);
    soup_server_message_set_status(message, reply.status, nullptr);
    soup_server_message_set_response(message, "application/json",
                                     SOUP_MEMORY_COPY, reply.body.data(),
                                     reply.body.size());
  }

  Answer answer_;
  GMainContext* context_ = nullptr;
  GMainLoop* loop_ = nullptr;
  SoupServer* server_ = nullptr;
  std::thread thread_;
  int port_ = 0;
  std::atomic<int> joins_{0};
  std::mutex lock_;  // guards reply_
  JoinReply reply_;
};

}  // namespace videocall::testing
