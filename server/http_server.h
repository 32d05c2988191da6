// SPDX-License-Identifier: MIT
// HTTP on libsoup: addresses, TLS, bounds on requests, headers that every
// answer has. What is answered is the handler's. Main thread only.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"
#include "server/connection_table.h"
#include "server/http_limits.h"
#include "server/http_listener.h"
#include "server/http_message.h"
#include "server/listen_address.h"

using SoupServer = struct _SoupServer;                // NOLINT: libsoup's name
using SoupServerMessage = struct _SoupServerMessage;  // NOLINT: the same

namespace videocall::server {

struct ObjectUnref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <typename T>
using Object = std::unique_ptr<T, ObjectUnref>;

class HttpServer {
 public:
  struct Settings {
    std::vector<std::string> addresses;  // as ListenAddress::parse() reads
    const char* key = "listen-http";     // that names them, for messages
    std::string certificate_file;        // both empty: plain HTTP
    std::string key_file;
    bool behind_proxy = false;
    size_t max_connections = limits::kMaxHttpConnections;
  };
  using Handler = std::function<void(const HttpRequest&, const HttpReply&)>;
  // Takes a request to become a WebSocket and answers it, now or later; false:
  // it is an ordinary request. |remote_address|: "ADDR:PORT".
  using UpgradeHandler =
      std::function<bool(SoupServerMessage*, const std::string&)>;

  // Listens; requests go to |handler| from the main loop. An address family
  // that the machine lacks is left out, as long as one address remains.
  // Errors: address_in_use, tls, io, each with what to do.
  static Result<std::unique_ptr<HttpServer>> create(Settings settings,
                                                    Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Before the main loop runs.
  void set_upgrade_handler(UpgradeHandler handler) {
    upgrade_handler_ = std::move(handler);
  }

  // What was bound, with real ports.
  const std::vector<ListenAddress>& addresses() const { return addresses_; }
  size_t connections() const { return tracked_.size(); }
  bool secure() const { return !settings_.certificate_file.empty(); }

  // Reads the certificate files again; on failure the old one stays in use.
  // Connections that are open keep what they have. Errors: tls.
  Result<void> reload_certificate();

 private:
  HttpServer(Settings settings, Handler handler);
  Result<void> listen();
  void take(GSocket* socket);
  Result<void> accept(GSocket* socket);
  void cut_expired();
  void handle(SoupServerMessage* message, const char* path);
  bool hand_over(SoupServerMessage* message, const HttpRequest& request);
  HttpRequest read_request(SoupServerMessage* message, const char* path) const;

  static gboolean on_sweep(gpointer self);
  static void on_socket_gone(gpointer self, GObject* socket);
  static void on_request_whole(SoupServerMessage*, gpointer self);
  static void on_switched(SoupServerMessage*, gpointer self);
  static void on_started(SoupServer*, SoupServerMessage*, gpointer);
  static void on_headers(SoupServer*, SoupServerMessage*, const char*,
                         GHashTable*, gpointer);
  static void on_request(SoupServer*, SoupServerMessage*, const char*,
                         GHashTable*, gpointer);

  const Settings settings_;
  const Handler handler_;
  UpgradeHandler upgrade_handler_;
  SoupServer* server_ = nullptr;
  std::vector<std::unique_ptr<HttpListener>> listeners_;
  Object<GTlsCertificate> certificate_;  // of new connections
  ConnectionTable connections_;          // by socket
  std::set<GObject*> tracked_;           // sockets that tell when they are gone
  guint timer_ = 0;
  std::vector<ListenAddress> addresses_;
};

}  // namespace videocall::server
