// SPDX-License-Identifier: MIT
#include "plugins/websocket/websocketdial.h"

#include <libsoup/soup.h>

#include <cstring>

#include "libvideocall/base/base64.h"
#include "libvideocall/websocket/upgrade.h"
#include "libvideocall/wire/limits.h"

namespace videocall::websocket {
namespace {

constexpr size_t kKeyBytes = 16;
constexpr size_t kReadBytes = 1;  // what follows the head is the WebSocket's
constexpr gsize kMaxReasonBytes = 1'024;

std::string make_key() {
  guchar bytes[kKeyBytes];
  for (size_t i = 0; i < kKeyBytes; i += sizeof(guint32)) {
    const guint32 random = g_random_int();
    std::memcpy(bytes + i, &random, sizeof random);
  }
  return base64(bytes);
}

}  // namespace

struct Dial::State : std::enable_shared_from_this<Dial::State> {
  State(Options o, std::function<void(Outcome)> d)
      : options(std::move(o)),
        done(std::move(d)),
        cancellable(g_cancellable_new()),
        key(make_key()) {}
  ~State() {
    stop_waiting();
    g_clear_object(&stream);
    g_object_unref(cancellable);
  }

  // The argument of a callback: keeps this alive, and counts what is under way.
  struct Held {
    std::shared_ptr<State> state;
  };
  Held* hold() {
    ++under_way;
    return new Held{shared_from_this()};
  }
  static std::shared_ptr<State> let_go(gpointer held) {
    auto* all = static_cast<Held*>(held);
    auto state = std::move(all->state);
    delete all;
    --state->under_way;
    return state;
  }

  void start();
  void on_connected(GSocketConnection* connection, GError* error);
  void on_secure(gboolean ok, GError* error);
  void ask();
  void listen();
  void stop_waiting();
  bool read();
  void judge();
  void read_reason(gsize length);
  void finish(Outcome outcome);
  void fail(GError* error);

  const Options options;
  std::function<void(Outcome)> done;  // empty: over
  GCancellable* const cancellable;    // owned
  const std::string key;
  std::string request;
  std::string head;             // of the answer
  GIOStream* stream = nullptr;  // owned
  GSource* readable = nullptr;  // owned
  int status = 0;
  gsize reason_left = 0;  // bytes of the body of a refusal
  std::string reason;
  int under_way = 0;
};

Dial::Dial(Options options, std::function<void(Outcome)> done)
    : state_(std::make_shared<State>(std::move(options), std::move(done))) {
  state_->start();
}

Dial::~Dial() {
  cancel();
}

void Dial::cancel() {
  state_->done = nullptr;
  state_->stop_waiting();
  g_cancellable_cancel(state_->cancellable);
}

bool Dial::busy() const {
  return state_->under_way > 0;
}

void Dial::State::finish(Outcome outcome) {
  stop_waiting();
  const auto call = std::exchange(done, nullptr);
  if (call)
    call(std::move(outcome));
  else if (outcome.stream)
    g_object_unref(outcome.stream);
}

// Takes |error|.
void Dial::State::fail(GError* error) {
  const std::string text = error ? error->message : "no answer";
  g_clear_error(&error);
  finish({nullptr, 0, text});
}

void Dial::State::start() {
  GSocketClient* client = g_socket_client_new();
  g_socket_client_set_timeout(
      client, static_cast<guint>(std::chrono::ceil<std::chrono::seconds>(
                                     limits::kConnectTimeout)
                                     .count()));
  GSocketConnectable* address =
      g_network_address_new(options.url.host.c_str(), options.url.port);
  g_socket_client_connect_async(
      client, address, cancellable,
      [](GObject* source, GAsyncResult* result, gpointer held) {
        GError* error = nullptr;
        GSocketConnection* connection = g_socket_client_connect_finish(
            G_SOCKET_CLIENT(source), result, &error);
        let_go(held)->on_connected(connection, error);
      },
      hold());
  g_object_unref(address);
  g_object_unref(client);
}

void Dial::State::on_connected(GSocketConnection* connection, GError* error) {
  if (!connection) {
    fail(error);
    return;
  }
  // The timeout was for connecting.
  g_socket_set_timeout(g_socket_connection_get_socket(connection), 0);
  if (!options.url.secure) {
    stream = G_IO_STREAM(connection);
    ask();
    return;
  }
  GSocketConnectable* identity =
      g_network_address_new(options.url.host.c_str(), options.url.port);
  stream =
      g_tls_client_connection_new(G_IO_STREAM(connection), identity, &error);
  g_object_unref(identity);
  g_object_unref(connection);
  if (!stream) {
    fail(error);
    return;
  }
  if (options.insecure_skip_verify) {
    const auto accept =
        +[](GTlsConnection*, GTlsCertificate*, GTlsCertificateFlags,
            gpointer) -> gboolean { return TRUE; };
    g_signal_connect(stream, "accept-certificate", G_CALLBACK(accept), nullptr);
  }
  g_tls_connection_handshake_async(
      G_TLS_CONNECTION(stream), G_PRIORITY_DEFAULT, cancellable,
      [](GObject* source, GAsyncResult* result, gpointer held) {
        GError* failure = nullptr;
        const gboolean ok = g_tls_connection_handshake_finish(
            G_TLS_CONNECTION(source), result, &failure);
        let_go(held)->on_secure(ok, failure);
      },
      hold());
}

void Dial::State::on_secure(gboolean ok, GError* error) {
  if (ok)
    ask();
  else
    fail(error);
}

void Dial::State::ask() {
  if (!done) return;
  request = "GET " + options.url.path_and_query +
            " HTTP/1.1\r\nHost: " + options.url.authority +
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
            key + "\r\nUser-Agent: " + options.client_name + "\r\n\r\n";
  g_output_stream_write_all_async(
      g_io_stream_get_output_stream(stream), request.data(), request.size(),
      G_PRIORITY_DEFAULT, cancellable,
      [](GObject* source, GAsyncResult* result, gpointer held) {
        GError* error = nullptr;
        const bool ok = g_output_stream_write_all_finish(
            G_OUTPUT_STREAM(source), result, nullptr, &error);
        const auto state = let_go(held);
        if (ok)
          state->listen();
        else
          state->fail(error);
      },
      hold());
}

void Dial::State::stop_waiting() {
  if (!readable) return;
  g_source_destroy(readable);
  g_source_unref(readable);
  readable = nullptr;
}

// Reads what is there, and comes back when there is more.
void Dial::State::listen() {
  stop_waiting();
  if (!done || read() || !done) return;
  readable = g_pollable_input_stream_create_source(
      G_POLLABLE_INPUT_STREAM(g_io_stream_get_input_stream(stream)), nullptr);
  const GPollableSourceFunc more = [](GObject*, gpointer held) -> gboolean {
    const auto state = static_cast<State*>(held)->shared_from_this();
    state->listen();
    return G_SOURCE_REMOVE;
  };
  g_source_set_callback(readable, G_SOURCE_FUNC(more), this, nullptr);
  g_source_attach(readable, g_main_context_get_thread_default());
}

// True: it is over. False: nothing more is there now.
bool Dial::State::read() {
  auto* input = G_POLLABLE_INPUT_STREAM(g_io_stream_get_input_stream(stream));
  for (;;) {
    char byte = 0;
    GError* error = nullptr;
    const gssize size = g_pollable_input_stream_read_nonblocking(
        input, &byte, kReadBytes, nullptr, &error);
    if (size < 0 &&
        g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
      g_error_free(error);
      return false;
    }
    if (size <= 0) {
      if (status != 0) {
        g_clear_error(&error);
        finish({nullptr, status, reason});
      } else {
        fail(error);
      }
      return true;
    }
    if (status != 0) {
      reason += byte;
      if (--reason_left == 0) finish({nullptr, status, reason});
    } else {
      head += byte;
      if (head.size() > limits::kMaxHeaderSectionBytes)
        finish({nullptr, 0, "the answer's header is too long"});
      else if (head.ends_with("\r\n\r\n"))
        judge();
    }
    if (!done) return true;
  }
}

void Dial::State::judge() {
  SoupMessageHeaders* headers =
      soup_message_headers_new(SOUP_MESSAGE_HEADERS_RESPONSE);
  guint code = 0;
  const bool parsed =
      soup_headers_parse_response(head.data(), static_cast<int>(head.size()),
                                  headers, nullptr, &code, nullptr);
  const char* accept =
      soup_message_headers_get_one(headers, "Sec-WebSocket-Accept");
  const bool accepted = accept && accept_of(key) == accept;
  const goffset length = soup_message_headers_get_content_length(headers);
  soup_message_headers_unref(headers);
  if (!parsed) {
    finish({nullptr, 0, "the answer is not HTTP"});
  } else if (code == SOUP_STATUS_SWITCHING_PROTOCOLS) {
    if (accepted)
      finish({std::exchange(stream, nullptr), 101, ""});
    else
      finish({nullptr, 0, "the answer is none to a WebSocket handshake"});
  } else if (length > 0 && length <= static_cast<goffset>(kMaxReasonBytes)) {
    status = static_cast<int>(code);
    reason_left = static_cast<gsize>(length);
  } else {
    finish({nullptr, static_cast<int>(code), ""});
  }
}

}  // namespace videocall::websocket
