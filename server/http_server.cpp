// SPDX-License-Identifier: MIT
#include "server/http_server.h"

#include <libsoup/soup.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "server/log.h"

namespace videocall::server {
namespace {

// What of a body that is too large is read for the sake of the answer.
constexpr size_t kMaxDiscardedBytes = size_t{1024} * 1024;
constexpr guint kSweepIntervalMs = 1'000;
constexpr const char* kSocketKey = "videocall-socket";
constexpr const char* kExchangeKey = "videocall-exchange";

// One request on its way; lives as long as the message or a pending reply.
struct Exchange {
  SoupServerMessage* message = nullptr;  // borrowed; nullptr: it is gone
  std::string body;
  size_t received = 0;
  bool paused = false;
  bool replied = false;
};
using ExchangePtr = std::shared_ptr<Exchange>;

ExchangePtr exchange_of(SoupServerMessage* message) {
  auto* held = static_cast<ExchangePtr*>(
      g_object_get_data(G_OBJECT(message), kExchangeKey));
  return held == nullptr ? nullptr : *held;
}

std::string ip_of(GSocketAddress* address) {
  if (!G_IS_INET_SOCKET_ADDRESS(address)) return "";
  GInetAddress* inet =
      g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(address));
  char* text = g_inet_address_to_string(inet);
  std::string ip = text;
  g_free(text);
  if (ip.starts_with("::ffff:") && ip.find('.') != std::string::npos)
    ip = ip.substr(std::strlen("::ffff:"));
  return ip;
}

// "ADDR:PORT"; the port is 0 if a proxy hides it.
std::string remote_of(SoupServerMessage* message, const HttpRequest& request) {
  GSocketAddress* address = soup_server_message_get_remote_address(message);
  const bool direct = ip_of(address) == request.remote_address;
  const int port =
      direct && G_IS_INET_SOCKET_ADDRESS(address)
          ? g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(address))
          : 0;
  return url_host(request.remote_address) + ":" + std::to_string(port);
}

// The address that the proxy itself appended: the others are the client's
// claims.
std::string forwarded_for(std::string_view header) {
  const size_t comma = header.rfind(',');
  if (comma != std::string_view::npos) header.remove_prefix(comma + 1);
  std::string address(header);
  std::erase(address, ' ');
  GInetAddress* inet = g_inet_address_new_from_string(address.c_str());
  if (inet == nullptr) return "";
  g_object_unref(inet);
  return address;
}

void write_response(SoupServerMessage* message, const HttpResponse& response) {
  soup_server_message_set_status(message, response.status, nullptr);
  SoupMessageHeaders* headers =
      soup_server_message_get_response_headers(message);
  for (const auto& [name, value] : response.headers)
    soup_message_headers_append(headers, name.c_str(), value.c_str());
  if (!response.content_type.empty())
    soup_message_headers_replace(headers, "Content-Type",
                                 response.content_type.c_str());
  if (!response.body || response.body->empty()) return;
  auto* shared = new std::shared_ptr<const std::string>(response.body);
  GBytes* bytes = g_bytes_new_with_free_func(
      response.body->data(), response.body->size(),
      [](gpointer held) {
        delete static_cast<std::shared_ptr<const std::string>*>(held);
      },
      shared);
  soup_message_body_append_bytes(soup_server_message_get_response_body(message),
                                 bytes);
  g_bytes_unref(bytes);
}

void write_too_large(SoupServerMessage* message) {
  static const auto body = std::make_shared<const std::string>(
      "{\"success\":false,\"result\":{\"code\":\"BODY_TOO_LARGE\","
      "\"message\":\"The request is larger than 16 KiB.\"}}\n");
  HttpResponse response;
  response.status = SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE;
  response.content_type = "application/json";
  response.body = body;
  response.headers = {{"Connection", "close"}};
  write_response(message, response);
}

// The socket of a message, by the address that it came with.
GSocket* socket_of(SoupServerMessage* message) {
  return static_cast<GSocket*>(g_object_get_data(
      G_OBJECT(soup_server_message_get_remote_address(message)), kSocketKey));
}

// Resets the connection: libsoup reads an error and closes. shutdown() would
// not do, for what the peer still sends would keep the connection alive; and
// the descriptor is libsoup's to close.
void cut(ConnectionTable::Id socket, const char* why) {
  log_event(LogLevel::debug, "http", "connection cut", {{"reason", why}});
  GSocket* held = static_cast<GSocket*>(const_cast<void*>(socket));
  const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
  (void)::connect(g_socket_get_fd(held), &none, sizeof none);
}

bool has_unread(ConnectionTable::Id socket) {
  GSocket* held = static_cast<GSocket*>(const_cast<void*>(socket));
  return g_socket_get_available_bytes(held) > 0;
}

void on_chunk(SoupServerMessage* message, GBytes* chunk, gpointer) {
  const ExchangePtr exchange = exchange_of(message);
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(chunk, &size));
  exchange->received += size;
  if (exchange->received <= limits::kMaxHttpBodyBytes) {
    exchange->body.append(data, size);
    return;
  }
  exchange->body.clear();
  if (soup_server_message_get_status(message) == 0) write_too_large(message);
  if (exchange->received > kMaxDiscardedBytes)
    cut(socket_of(message), "body too large");
}

// Also comes for what never became a request: then there is no method or URI.
void on_finished(SoupServerMessage* message, gpointer) {
  exchange_of(message)->message = nullptr;
  const char* method = soup_server_message_get_method(message);
  GUri* uri = soup_server_message_get_uri(message);
  log_event(
      LogLevel::debug, "http", "answered",
      {{"method", method == nullptr ? "?" : method},
       {"path", uri == nullptr ? "?" : g_uri_get_path(uri)},
       {"status", std::to_string(soup_server_message_get_status(message))}});
}

Result<GTlsCertificate*> load_certificate(const std::string& certificate,
                                          const std::string& key) {
  GError* error = nullptr;
  GTlsCertificate* loaded = g_tls_certificate_new_from_files(
      certificate.c_str(), key.c_str(), &error);
  if (loaded != nullptr) return loaded;
  Error failure{Errc::tls, "cannot use tls-certificate " + certificate +
                               " with tls-key " + key + ": " + error->message};
  g_error_free(error);
  return failure;
}

// Clients show no certificates, so there is nobody to trust. Without a database
// from the start, GIO would read the system's for each connection: 10 ms and
// 3.7 MB.
GIOStream* make_tls(GIOStream* base, GTlsCertificate* certificate,
                    GError** error) {
  return static_cast<GIOStream*>(g_initable_new(
      g_tls_backend_get_server_connection_type(g_tls_backend_get_default()),
      nullptr, error, "base-io-stream", base, "certificate", certificate,
      "database", nullptr, "require-close-notify", FALSE, nullptr));
}

// Every answer's: nothing may frame the page, guess its types, or learn the
// meeting from a link; the page may use shared memory (COOP, COEP).
constexpr std::pair<const char*, const char*> kSecurityHeaders[] = {
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Embedder-Policy", "require-corp"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Permissions-Policy",
     "camera=(self), microphone=(self), display-capture=(self), "
     "screen-wake-lock=(self), geolocation=(), payment=(), usb=()"},
    // Media goes to other hosts and ports: connect-src allows all that is
    // encrypted, and ws: for this server where it is not.
    {"Content-Security-Policy",
     "default-src 'self'; connect-src 'self' https: wss: ws:; "
     "img-src 'self' data: blob:; media-src 'self' blob: mediastream:; "
     "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
     "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
     "object-src 'none'"},
};

}  // namespace

HttpServer::HttpServer(Settings settings, Handler handler)
    : settings_(std::move(settings)),
      handler_(std::move(handler)),
      connections_(settings_.max_connections) {
  timer_ = g_timeout_add(kSweepIntervalMs, on_sweep, this);
}

HttpServer::~HttpServer() {
  g_source_remove(timer_);
  listeners_.clear();
  if (server_ == nullptr) return;
  soup_server_disconnect(server_);
  g_object_unref(server_);
  for (GObject* socket : tracked_)
    g_object_weak_unref(socket, on_socket_gone, this);
}

Result<std::unique_ptr<HttpServer>> HttpServer::create(Settings settings,
                                                       Handler handler) {
  std::unique_ptr<HttpServer> http(
      new HttpServer(std::move(settings), std::move(handler)));
  http->server_ = soup_server_new(nullptr, nullptr);
  if (http->secure())
    if (auto loaded = http->reload_certificate(); !loaded)
      return loaded.error();
  g_signal_connect(http->server_, "request-started", G_CALLBACK(on_started),
                   http.get());
  soup_server_add_early_handler(http->server_, nullptr, on_headers, http.get(),
                                nullptr);
  soup_server_add_handler(http->server_, nullptr, on_request, http.get(),
                          nullptr);
  if (auto listening = http->listen(); !listening) return listening.error();
  return http;
}

Result<void> HttpServer::reload_certificate() {
  if (!secure()) return {};
  auto loaded =
      load_certificate(settings_.certificate_file, settings_.key_file);
  if (!loaded) return loaded.error();
  certificate_.reset(*loaded);
  return {};
}

Result<void> HttpServer::listen() {
  Result<void> last;
  for (const std::string& text : settings_.addresses) {
    const auto address = ListenAddress::parse(text);
    if (!address) return address.error();
    auto listener = HttpListener::open(
        *address, settings_.key, [this](GSocket* socket) { take(socket); });
    if (listener) {
      addresses_.push_back((*listener)->address());
      listeners_.push_back(*std::move(listener));
      continue;
    }
    last = listener.error();
    if (last.error().code != Errc::not_found) return last;
    log_event(LogLevel::warning, "http", "address left out",
              {{"address", text}, {"reason", last.error().message}});
  }
  if (addresses_.empty()) return last;
  return {};
}

// -- Open connections ---------------------------------------------------------

void HttpServer::take(GSocket* socket) {
  const auto victim = connections_.open(socket, Clock::now());
  if (victim == socket) return;  // all others are being answered
  if (victim != nullptr) cut(victim, "too many");
  g_object_weak_ref(G_OBJECT(socket), on_socket_gone, this);
  tracked_.insert(G_OBJECT(socket));
  if (auto accepted = accept(socket); !accepted)
    log_event(LogLevel::debug, "http", "connection not taken",
              {{"reason", accepted.error().message}});
}

Result<void> HttpServer::accept(GSocket* socket) {
  g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, TRUE, nullptr);
  const Object<GIOStream> connection(
      G_IO_STREAM(g_socket_connection_factory_create_connection(socket)));
  GError* error = nullptr;
  Object<GIOStream> stream;
  if (secure()) {
    stream.reset(make_tls(connection.get(), certificate_.get(), &error));
  } else {
    stream.reset(G_IO_STREAM(g_object_ref(connection.get())));
  }
  const Object<GSocketAddress> local(
      g_socket_get_local_address(socket, nullptr));
  const Object<GSocketAddress> remote(
      g_socket_get_remote_address(socket, nullptr));
  if (stream && local && remote) {
    g_object_set_data(G_OBJECT(remote.get()), kSocketKey, socket);
    if (soup_server_accept_iostream(server_, stream.get(), local.get(),
                                    remote.get(), &error))
      return {};
  }
  Error failure{Errc::io, error == nullptr ? "it is gone" : error->message};
  g_clear_error(&error);
  return failure;
}

void HttpServer::on_socket_gone(gpointer self, GObject* socket) {
  auto* http = static_cast<HttpServer*>(self);
  http->tracked_.erase(socket);
  http->connections_.close(socket);
}

void HttpServer::on_request_whole(SoupServerMessage* message, gpointer self) {
  static_cast<HttpServer*>(self)->connections_.answer(socket_of(message),
                                                      Clock::now());
}

gboolean HttpServer::on_sweep(gpointer self) {
  static_cast<HttpServer*>(self)->cut_expired();
  return G_SOURCE_CONTINUE;
}

void HttpServer::cut_expired() {
  for (const auto socket : connections_.expired(Clock::now())) {
    // A request that has just come is read first.
    if (has_unread(socket)) continue;
    cut(socket, "too slow");
    connections_.close(socket);
  }
}

// Comes when a connection opens and after each answer.
void HttpServer::on_started(SoupServer*, SoupServerMessage* message,
                            gpointer self) {
  static_cast<HttpServer*>(self)->connections_.wait(socket_of(message),
                                                    Clock::now());
  g_signal_connect(message, "got-body", G_CALLBACK(on_request_whole), self);
  auto exchange = std::make_shared<Exchange>();
  exchange->message = message;
  g_object_set_data_full(
      G_OBJECT(message), kExchangeKey, new ExchangePtr(std::move(exchange)),
      [](gpointer held) { delete static_cast<ExchangePtr*>(held); });
  // libsoup would keep a body of any size.
  soup_message_body_set_accumulate(
      soup_server_message_get_request_body(message), FALSE);
  g_signal_connect(message, "got-chunk", G_CALLBACK(on_chunk), nullptr);
  g_signal_connect(message, "finished", G_CALLBACK(on_finished), nullptr);
}

void HttpServer::on_headers(SoupServer*, SoupServerMessage* message,
                            const char*, GHashTable*, gpointer) {
  SoupMessageHeaders* response =
      soup_server_message_get_response_headers(message);
  for (const auto& [name, value] : kSecurityHeaders)
    soup_message_headers_replace(response, name, value);
  SoupMessageHeaders* request =
      soup_server_message_get_request_headers(message);
  if (soup_message_headers_get_encoding(request) ==
          SOUP_ENCODING_CONTENT_LENGTH &&
      soup_message_headers_get_content_length(request) >
          static_cast<goffset>(limits::kMaxHttpBodyBytes))
    write_too_large(message);
}

void HttpServer::on_request(SoupServer*, SoupServerMessage* message,
                            const char* path, GHashTable*, gpointer self) {
  // No exception may pass through libsoup.
  try {
    static_cast<HttpServer*>(self)->handle(message, path);
  } catch (const std::exception& error) {
    log_event(LogLevel::error, "http", "a request failed",
              {{"reason", error.what()}});
    soup_server_message_set_status(message, 500, nullptr);
  }
}

// From now on the connection is not ours.
void HttpServer::on_switched(SoupServerMessage* message, gpointer self) {
  auto* http = static_cast<HttpServer*>(self);
  if (soup_server_message_get_status(message) !=
      SOUP_STATUS_SWITCHING_PROTOCOLS)
    return;
  auto* socket = G_OBJECT(socket_of(message));
  if (http->tracked_.erase(socket) == 0) return;
  g_object_weak_unref(socket, on_socket_gone, self);
  http->connections_.close(socket);
}

bool HttpServer::hand_over(SoupServerMessage* message,
                           const HttpRequest& request) {
  if (!upgrade_handler_ || request.method != "GET" ||
      g_ascii_strcasecmp(std::string(request.header("upgrade")).c_str(),
                         "websocket") != 0)
    return false;
  const gulong switched = g_signal_connect(message, "wrote-informational",
                                           G_CALLBACK(on_switched), this);
  if (upgrade_handler_(message, remote_of(message, request))) return true;
  g_signal_handler_disconnect(message, switched);
  return false;
}

void HttpServer::handle(SoupServerMessage* message, const char* path) {
  const ExchangePtr exchange = exchange_of(message);
  const HttpRequest request = read_request(message, path);
  if (hand_over(message, request)) return;
  handler_(request, [exchange](const HttpResponse& response) {
    exchange->replied = true;
    if (exchange->message == nullptr) return;  // the client went away
    write_response(exchange->message, response);
    if (exchange->paused) soup_server_message_unpause(exchange->message);
  });
  if (exchange->replied) return;
  exchange->paused = true;
  soup_server_message_pause(message);
}

HttpRequest HttpServer::read_request(SoupServerMessage* message,
                                     const char* path) const {
  HttpRequest request;
  request.method = soup_server_message_get_method(message);
  if (request.method == "HEAD") request.method = "GET";
  request.path = path;
  SoupMessageHeadersIter iterator;
  const char* name = nullptr;
  const char* value = nullptr;
  soup_message_headers_iter_init(
      &iterator, soup_server_message_get_request_headers(message));
  while (soup_message_headers_iter_next(&iterator, &name, &value)) {
    std::string lower = name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return g_ascii_tolower(c); });
    std::string& all = request.headers[lower];
    all += (all.empty() ? "" : ", ") + std::string(value);
  }
  request.body = std::move(exchange_of(message)->body);
  request.remote_address =
      ip_of(soup_server_message_get_remote_address(message));
  request.local_address = ip_of(soup_server_message_get_local_address(message));
  request.secure = secure() || settings_.behind_proxy;
  if (settings_.behind_proxy) {
    const std::string client = forwarded_for(request.header("x-forwarded-for"));
    if (!client.empty()) request.remote_address = client;
  }
  return request;
}

}  // namespace videocall::server
