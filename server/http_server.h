// SPDX-License-Identifier: MIT
// HTTP on libsoup: addresses, TLS, bounds on requests, headers that every
// answer has. What is answered is the handler's. Main thread only.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"
#include "server/http_message.h"
#include "server/listen_address.h"

using SoupServer = struct _SoupServer;                // NOLINT: libsoup's name
using SoupServerMessage = struct _SoupServerMessage;  // NOLINT: the same

namespace videocall::server {

class HttpServer {
 public:
  static constexpr size_t kMaxBodyBytes = size_t{16} * 1024;

  struct Settings {
    std::vector<std::string> addresses;  // as ListenAddress::parse() reads
    std::string certificate_file;        // both empty: plain HTTP
    std::string key_file;
    bool behind_proxy = false;
  };
  using Handler = std::function<void(const HttpRequest&, const HttpReply&)>;

  // Listens; requests go to |handler| from the main loop. An address family
  // that the machine lacks is left out, as long as one address remains.
  // Errors: address_in_use, tls, io, each with what to do.
  static Result<std::unique_ptr<HttpServer>> create(Settings settings,
                                                    Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // What was bound, with real ports.
  const std::vector<ListenAddress>& addresses() const { return addresses_; }
  bool secure() const { return !settings_.certificate_file.empty(); }

  // Reads the certificate files again; on failure the old one stays in use.
  // Connections that are open keep what they have. Errors: tls.
  Result<void> reload_certificate();

 private:
  HttpServer(Settings settings, Handler handler);
  Result<void> listen();
  Result<void> listen_on(const ListenAddress& address);
  void handle(SoupServerMessage* message, const char* path);
  HttpRequest read_request(SoupServerMessage* message, const char* path) const;

  static void on_started(SoupServer*, SoupServerMessage*, gpointer);
  static void on_headers(SoupServer*, SoupServerMessage*, const char*,
                         GHashTable*, gpointer);
  static void on_request(SoupServer*, SoupServerMessage*, const char*,
                         GHashTable*, gpointer);

  const Settings settings_;
  const Handler handler_;
  SoupServer* server_ = nullptr;
  std::vector<ListenAddress> addresses_;
};

}  // namespace videocall::server
