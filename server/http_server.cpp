// SPDX-License-Identifier: MIT
#include "server/http_server.h"

#include <libsoup/soup.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "server/log.h"

namespace videocall::server {
namespace {

// A peer that neither sends nor reads for so long is cut off.
constexpr guint kIdleTimeoutS = 60;
// What of a body that is too large is read for the sake of the answer.
constexpr size_t kMaxDiscardedBytes = size_t{1024} * 1024;
constexpr int kBacklog = 1'024;  // connections that wait to be accepted
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

void on_chunk(SoupServerMessage* message, GBytes* chunk, gpointer) {
  const ExchangePtr exchange = exchange_of(message);
  gsize size = 0;
  const auto* data = static_cast<const char*>(g_bytes_get_data(chunk, &size));
  exchange->received += size;
  if (exchange->received <= HttpServer::kMaxBodyBytes) {
    exchange->body.append(data, size);
    return;
  }
  exchange->body.clear();
  if (soup_server_message_get_status(message) == 0) write_too_large(message);
  if (exchange->received > kMaxDiscardedBytes)
    g_socket_shutdown(soup_server_message_get_socket(message), TRUE, TRUE,
                      nullptr);
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

// libsoup's own way to listen cannot keep [::] off the IPv4 addresses, and then
// 0.0.0.0 beside it is a port in use. nullptr with |error| set on failure.
GSocket* open_listener(const ListenAddress& address, GError** error) {
  GSocket* socket = g_socket_new(
      address.is_ipv6 ? G_SOCKET_FAMILY_IPV6 : G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);
  if (socket == nullptr) return nullptr;
  GSocketAddress* wanted =
      g_inet_socket_address_new_from_string(address.ip.c_str(), address.port);
  g_socket_set_listen_backlog(socket, kBacklog);
  const bool listening =
      (!address.is_ipv6 ||
       g_socket_set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1, error)) &&
      g_socket_bind(socket, wanted, TRUE, error) &&
      g_socket_listen(socket, error);
  g_object_unref(wanted);
  if (listening) return socket;
  g_object_unref(socket);
  return nullptr;
}

Error listen_failure(const ListenAddress& address, const GError& error) {
  const auto is = [&](GIOErrorEnum code) {
    return g_error_matches(&error, G_IO_ERROR, code);
  };
  if (is(G_IO_ERROR_ADDRESS_IN_USE))
    return {Errc::address_in_use,
            "another program listens on " + address.text() +
                "; end it, or name another port with listen-http"};
  Error failure{Errc::io, "cannot listen for HTTP on " + address.text() + ": " +
                              error.message};
  if (is(G_IO_ERROR_PERMISSION_DENIED))
    failure.message += "; ports below 1024 need privileges";
  // What a machine without IPv6 answers.
  else if (address.is_ipv6 && !is(G_IO_ERROR_INVALID_ARGUMENT))
    failure.code = Errc::not_found;
  return failure;
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
    // encrypted.
    {"Content-Security-Policy",
     "default-src 'self'; connect-src 'self' https: wss:; "
     "img-src 'self' data: blob:; media-src 'self' blob: mediastream:; "
     "worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
     "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
     "object-src 'none'"},
};

}  // namespace

HttpServer::HttpServer(Settings settings, Handler handler)
    : settings_(std::move(settings)), handler_(std::move(handler)) {}

HttpServer::~HttpServer() {
  if (server_ == nullptr) return;
  soup_server_disconnect(server_);
  g_object_unref(server_);
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
  soup_server_set_tls_certificate(server_, *loaded);
  g_object_unref(*loaded);
  return {};
}

Result<void> HttpServer::listen() {
  Result<void> last;
  for (const std::string& text : settings_.addresses) {
    const auto address = ListenAddress::parse(text);
    if (!address) return address.error();
    last = listen_on(*address);
    if (last) continue;
    if (last.error().code != Errc::not_found) return last;
    log_event(LogLevel::warning, "http", "address left out",
              {{"address", text}, {"reason", last.error().message}});
  }
  if (addresses_.empty()) return last;
  return {};
}

Result<void> HttpServer::listen_on(const ListenAddress& address) {
  GError* error = nullptr;
  GSocket* socket = open_listener(address, &error);
  const auto options = secure() ? SOUP_SERVER_LISTEN_HTTPS
                                : static_cast<SoupServerListenOptions>(0);
  if (socket == nullptr ||
      !soup_server_listen_socket(server_, socket, options, &error)) {
    if (socket != nullptr) g_object_unref(socket);
    Error failure = listen_failure(address, *error);
    g_error_free(error);
    return failure;
  }
  ListenAddress real = address;
  if (GSocketAddress* bound = g_socket_get_local_address(socket, nullptr)) {
    real.port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    g_object_unref(bound);
  }
  g_object_unref(socket);
  addresses_.push_back(std::move(real));
  return {};
}

// Comes when a connection opens and after each answer.
void HttpServer::on_started(SoupServer*, SoupServerMessage* message, gpointer) {
  if (GSocket* socket = soup_server_message_get_socket(message))
    g_socket_set_timeout(socket, kIdleTimeoutS);
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
          static_cast<goffset>(kMaxBodyBytes))
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

void HttpServer::handle(SoupServerMessage* message, const char* path) {
  const ExchangePtr exchange = exchange_of(message);
  handler_(read_request(message, path),
           [exchange](const HttpResponse& response) {
             exchange->replied = true;
             if (exchange->message == nullptr) return;  // the client went away
             write_response(exchange->message, response);
             if (exchange->paused)
               soup_server_message_unpause(exchange->message);
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
