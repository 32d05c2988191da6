// SPDX-License-Identifier: MIT
#include "server/http_listener.h"

#include <netinet/in.h>

#include "server/log.h"

namespace videocall::server {
namespace {

constexpr int kBacklog = 1'024;         // connections that wait to be accepted
constexpr int kMaxAcceptsPerTurn = 64;  // others want the main loop too
constexpr guint kRestMs = 100;          // after an accept() that failed

// An IPv6 socket keeps off the IPv4 addresses, so that 0.0.0.0 beside it is no
// port in use. nullptr with |error| set on failure.
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

Error listen_failure(const ListenAddress& address, const char* key,
                     const GError& error) {
  const auto is = [&](GIOErrorEnum code) {
    return g_error_matches(&error, G_IO_ERROR, code);
  };
  if (is(G_IO_ERROR_ADDRESS_IN_USE))
    return {Errc::address_in_use,
            "another program listens on " + address.text() +
                "; end it, or name another port with " + key};
  Error failure{Errc::io, "cannot listen for HTTP on " + address.text() + ": " +
                              error.message};
  if (is(G_IO_ERROR_PERMISSION_DENIED))
    failure.message += "; ports below 1024 need privileges";
  // What a machine without IPv6 answers.
  else if (address.is_ipv6 && !is(G_IO_ERROR_INVALID_ARGUMENT))
    failure.code = Errc::not_found;
  return failure;
}

}  // namespace

Result<std::unique_ptr<HttpListener>> HttpListener::open(
    const ListenAddress& address, const char* key, Accepted accepted) {
  GError* error = nullptr;
  GSocket* socket = open_listener(address, &error);
  if (socket == nullptr) {
    Error failure = listen_failure(address, key, *error);
    g_error_free(error);
    return failure;
  }
  std::unique_ptr<HttpListener> listener(
      new HttpListener(address, std::move(accepted)));
  listener->socket_ = socket;
  g_socket_set_blocking(socket, FALSE);
  if (GSocketAddress* bound = g_socket_get_local_address(socket, nullptr)) {
    listener->address_.port =
        g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
    g_object_unref(bound);
  }
  listener->watch();
  return listener;
}

HttpListener::~HttpListener() {
  if (source_ != 0) g_source_remove(source_);
  if (socket_ != nullptr) g_object_unref(socket_);
}

void HttpListener::watch() {
  GSource* source = g_socket_create_source(socket_, G_IO_IN, nullptr);
  const GSocketSourceFunc ready = [](GSocket*, GIOCondition,
                                     gpointer self) -> gboolean {
    static_cast<HttpListener*>(self)->accept_all();
    return G_SOURCE_CONTINUE;
  };
  g_source_set_callback(source, G_SOURCE_FUNC(ready), this, nullptr);
  source_ = g_source_attach(source, nullptr);
  g_source_unref(source);
}

// Whatever keeps us from accepting will not be gone at once.
void HttpListener::rest() {
  g_source_remove(source_);
  const GSourceFunc over = [](gpointer self) -> gboolean {
    static_cast<HttpListener*>(self)->watch();
    return G_SOURCE_REMOVE;
  };
  source_ = g_timeout_add(kRestMs, over, this);
}

void HttpListener::accept_all() {
  for (int i = 0; i < kMaxAcceptsPerTurn; ++i) {
    GError* error = nullptr;
    GSocket* socket = g_socket_accept(socket_, nullptr, &error);
    if (socket != nullptr) {
      accepted_(socket);
      g_object_unref(socket);
      continue;
    }
    if (!g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      log_event(LogLevel::warning, "http", "a connection was not accepted",
                {{"reason", error->message}});
      rest();
    }
    g_error_free(error);
    return;
  }
}

}  // namespace videocall::server
