// SPDX-License-Identifier: MIT
#include "plugins/websocket/websocketlink.h"

#include <libsoup/soup.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "libvideocall/base/log.h"

namespace videocall::websocket {
namespace {

constexpr uint16_t kCloseCodeBase = 4'000;
constexpr uint16_t kMaxCloseCode = 4'999;
// Frames up to this size wait for the end of a visit, so many bytes at most.
constexpr size_t kMaxHeldFrame = 1'024;
constexpr size_t kMaxHeldBytes = 8 * 1'024;
constexpr int kKeepUnsent = static_cast<int>(limits::kMaxUnsentSocketBytes);

// The socket below TLS and whatever libsoup wraps around a connection;
// transfer full.
GSocket* find_socket(GIOStream* stream) {
  GObject* layer = G_OBJECT(g_object_ref(stream));
  while (layer && !G_IS_SOCKET_CONNECTION(layer)) {
    GObject* below = nullptr;
    for (const char* name : {"base-io-stream", "base-iostream"}) {
      if (!below &&
          g_object_class_find_property(G_OBJECT_GET_CLASS(layer), name))
        g_object_get(layer, name, &below, nullptr);
    }
    g_object_unref(layer);
    layer = below;
  }
  if (!layer) return nullptr;
  auto* socket = G_SOCKET(
      g_object_ref(g_socket_connection_get_socket(G_SOCKET_CONNECTION(layer))));
  g_object_unref(layer);
  return socket;
}

// What is queued in the kernel is past our priorities: keep it short.
void tune(GSocket* socket) {
  g_socket_set_option(socket, IPPROTO_TCP, TCP_NODELAY, TRUE, nullptr);
  g_socket_set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kKeepUnsent,
                      nullptr);
}

// Bytes of the frame of a message (RFC 6455, section 5.2).
uint64_t frame_bytes(size_t payload, bool masked) {
  const uint64_t length = payload < 126 ? 2 : payload < 65'536 ? 4 : 10;
  return length + (masked ? 4 : 0) + payload;
}

// A close frame's reason: whole UTF-8 characters, as many as fit.
std::string fitting(std::string_view reason) {
  std::string text(reason.substr(0, limits::kMaxWebSocketCloseReasonBytes));
  const gchar* end = nullptr;
  if (!g_utf8_validate_len(text.data(), text.size(), &end))
    text.resize(static_cast<size_t>(end - text.data()));
  return text;
}

SoupWebsocketConnection* make_connection(GIOStream* stream, Link::Side side) {
  GUri* uri = g_uri_parse("ws://localhost/", G_URI_FLAGS_NONE, nullptr);
  SoupWebsocketConnection* connection = soup_websocket_connection_new(
      stream, uri,
      side == Link::Side::server ? SOUP_WEBSOCKET_CONNECTION_SERVER
                                 : SOUP_WEBSOCKET_CONNECTION_CLIENT,
      nullptr, nullptr, nullptr);
  g_uri_unref(uri);
  // The guard has judged before; this is for what it lets through.
  soup_websocket_connection_set_max_incoming_payload_size(
      connection, limits::kMaxStampedPacketBytes);
  return connection;
}

}  // namespace

Link::Link(GIOStream* stream, Side side, LinkVisitor& visitor)
    : side_(side),
      visitor_(visitor),
      socket_(find_socket(stream)),
      stream_(tapped_stream_new(stream, this)),
      output_(G_POLLABLE_OUTPUT_STREAM(g_io_stream_get_output_stream(stream))),
      guard_(side == Side::server ? limits::kMaxPacketBytes
                                  : limits::kMaxStampedPacketBytes) {
  if (socket_) tune(socket_);
  connection_ = make_connection(stream_, side);
  const auto on_message = +[](SoupWebsocketConnection*, gint, GBytes* message,
                              gpointer self) {
    gsize size = 0;
    const auto* data =
        static_cast<const uint8_t*>(g_bytes_get_data(message, &size));
    static_cast<Link*>(self)->visitor_.on_message({data, size}, Clock::now());
  };
  const auto on_error =
      +[](SoupWebsocketConnection*, GError* error, gpointer self) {
        if (error->domain == SOUP_WEBSOCKET_ERROR)
          static_cast<Link*>(self)->trouble_ = error->message;
      };
  const auto on_closed = +[](SoupWebsocketConnection*, gpointer self) {
    static_cast<Link*>(self)->handle_closed();
  };
  g_signal_connect(connection_, "message", G_CALLBACK(on_message), this);
  g_signal_connect(connection_, "error", G_CALLBACK(on_error), this);
  g_signal_connect(connection_, "closed", G_CALLBACK(on_closed), this);
}

Link::~Link() {
  stop_waiting();
  g_signal_handlers_disconnect_by_data(connection_, this);
  tapped_stream_detach(stream_);
  if (!gone_ && socket_) {
    // A peer that does not take its close frame gets a reset instead.
    const sockaddr none{.sa_family = AF_UNSPEC, .sa_data = {}};
    (void)::connect(g_socket_get_fd(socket_), &none, sizeof none);
  }
  g_object_unref(connection_);
  g_object_unref(stream_);
  g_clear_object(&socket_);
}

// -- Reading ------------------------------------------------------------------

size_t Link::may_read() {
  if (turn_ != visitor_.turn()) {
    turn_ = visitor_.turn();
    read_in_turn_ = 0;
  }
  return limits::kMaxWebSocketBytesPerTurn -
         std::min(limits::kMaxWebSocketBytesPerTurn, read_in_turn_);
}

bool Link::on_read(Bytes bytes) {
  read_in_turn_ += bytes.size();
  read_ += bytes.size();
  if (verdict_) {
    verdict_ = guard_.feed(bytes, Clock::now());
    if (!verdict_) visitor_.wants_visit();
  }
  return verdict_.ok();
}

// -- Writing ------------------------------------------------------------------

// Many who arrive at once are told of each other: thousands of small frames,
// each of which would be a call of the kernel and a segment.
StreamTap::Way Link::on_write(Bytes bytes) {
  const bool small = visiting_ && !closing_ && bytes.size() <= kMaxHeldFrame;
  const bool fits = small && held_.size() + bytes.size() <= kMaxHeldBytes;
  if (!fits && !flush()) return Way::wait;
  if (!small) return Way::below;
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  on_written(bytes.size());
  return Way::held;
}

// True: nothing is held any more.
bool Link::flush() {
  if (held_.empty()) return true;
  size_t sent = 0;
  GError* error = nullptr;
  while (sent < held_.size()) {
    const gssize size = g_pollable_output_stream_write_nonblocking(
        output_, held_.data() + sent, held_.size() - sent, nullptr, &error);
    if (size <= 0) break;
    sent += static_cast<size_t>(size);
  }
  // That the connection is gone libsoup finds out when it reads.
  if (error && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    sent = held_.size();
  g_clear_error(&error);
  if (sent < held_.size()) {
    held_.erase(held_.begin(), held_.begin() + static_cast<ptrdiff_t>(sent));
    if (sent > 0 || stalled_since_ == Time::max())
      stalled_since_ = Clock::now();
    wait_for_room();
    return false;
  }
  held_.clear();
  if (held_.capacity() > kMaxHeldFrame) held_.shrink_to_fit();
  stop_waiting();
  if (pending() == 0) stalled_since_ = Time::max();
  return true;
}

void Link::wait_for_room() {
  if (room_) return;
  room_ = g_pollable_output_stream_create_source(output_, nullptr);
  const GPollableSourceFunc there_is = [](GObject*, gpointer data) -> gboolean {
    auto* self = static_cast<Link*>(data);
    if (self->flush()) self->visitor_.wants_visit();
    return G_SOURCE_CONTINUE;
  };
  g_source_set_callback(room_, G_SOURCE_FUNC(there_is), this, nullptr);
  g_source_attach(room_, g_main_context_get_thread_default());
}

void Link::stop_waiting() {
  if (!room_) return;
  g_source_destroy(room_);
  g_source_unref(room_);
  room_ = nullptr;
}

void Link::on_written(size_t size) {
  written_ += size;
  if (written_ < handed_) {
    stalled_since_ = Clock::now();
    return;
  }
  // Control frames are libsoup's own and were not counted when handed over.
  handed_ = written_;
  stalled_since_ = Time::max();
  if (!visiting_) visitor_.wants_visit();
}

void Link::send(Bytes packet, Time now) {
  handed_ += frame_bytes(packet.size(), side_ == Side::client);
  stalled_since_ = now;
  soup_websocket_connection_send_binary(connection_, packet.data(),
                                        packet.size());
}

bool Link::is_open() const {
  return !closing_ && !end_ &&
         soup_websocket_connection_get_state(connection_) ==
             SOUP_WEBSOCKET_STATE_OPEN;
}

void Link::visit(quic::SendSource& source, Time now) {
  tell();
  if (!held_.empty()) return;  // what is left of the last visit goes first
  visiting_ = true;
  while (is_open() && pending() == 0) {
    const quic::SendItem item = source.next(now);
    if (item.kind == quic::SendItem::Kind::none) break;
    if (item.packet && !item.bytes.empty()) send(item.packet->bytes(), now);
    source.consumed(item, item.bytes.size(), item.fin);
  }
  visiting_ = false;
  flush();
}

// -- The end ------------------------------------------------------------------

void Link::tell() {
  if (!verdict_ && !std::exchange(verdict_told_, true) && !end_)
    visitor_.on_violation(verdict_.error(), Clock::now());
  if (end_ && !std::exchange(end_told_, true))
    visitor_.on_link_closed(end_->code, end_->reason, end_->by_peer);
}

void Link::end(End how) {
  if (end_) return;
  end_ = std::make_unique<End>(std::move(how));
  visitor_.wants_visit();
}

void Link::close(CloseCode code, std::string_view reason) {
  if (closing_ || end_) return;
  closing_ = true;
  linger_until_ = Clock::now() + limits::kCloseLinger;
  end({code, std::string(reason), false});
  if (soup_websocket_connection_get_state(connection_) ==
      SOUP_WEBSOCKET_STATE_OPEN)
    soup_websocket_connection_close(
        connection_,
        static_cast<gushort>(kCloseCodeBase + static_cast<uint32_t>(code)),
        fitting(reason).c_str());
}

void Link::handle_closed() {
  gone_ = true;
  visitor_.wants_visit();
  if (end_) return;
  const gushort code = soup_websocket_connection_get_close_code(connection_);
  const char* data = soup_websocket_connection_get_close_data(connection_);
  const std::string reason = data ? data : "";
  if (!trouble_.empty()) {
    end({CloseCode::protocol_error, trouble_, false});
  } else if (code >= kCloseCodeBase && code <= kMaxCloseCode) {
    end({static_cast<CloseCode>(code - kCloseCodeBase), reason, true});
  } else if (code == SOUP_WEBSOCKET_CLOSE_NORMAL ||
             (side_ == Side::server &&
              (code == SOUP_WEBSOCKET_CLOSE_GOING_AWAY ||
               code == SOUP_WEBSOCKET_CLOSE_NO_STATUS))) {
    end({CloseCode::left, reason, true});
  } else {
    end({CloseCode::idle, "connection lost", false});
  }
}

Time Link::next_timer() const {
  if (finished()) return Time::max();
  if (closing_) return linger_until_;
  return stalled_since_ == Time::max()
             ? Time::max()
             : stalled_since_ + limits::kWebSocketStallTimeout;
}

void Link::on_timer(Time now) {
  if (now < next_timer()) return;
  if (closing_) {
    expired_ = true;
    visitor_.wants_visit();
  } else {
    verdict_ = Error{Errc::timeout, "what is sent is not read"};
    visitor_.wants_visit();
  }
}

quic::TransportStats Link::stats() const {
  quic::TransportStats stats;
  stats.bytes_sent = written_;
  stats.bytes_received = read_;
  tcp_info info{};
  socklen_t size = sizeof info;
  if (!socket_ || getsockopt(g_socket_get_fd(socket_), IPPROTO_TCP, TCP_INFO,
                             &info, &size) != 0)
    return stats;
  stats.smoothed_rtt = std::chrono::microseconds(info.tcpi_rtt);
  stats.latest_rtt = stats.smoothed_rtt;  // the kernel tells no other
  stats.bytes_delivered = info.tcpi_bytes_acked;
  stats.packets_sent = info.tcpi_data_segs_out;
  stats.packets_lost = info.tcpi_total_retrans;
  stats.congestion_window =
      uint64_t{info.tcpi_snd_cwnd} * uint64_t{info.tcpi_snd_mss};
  stats.bytes_in_flight =
      uint64_t{info.tcpi_unacked} * uint64_t{info.tcpi_snd_mss};
  stats.delivery_rate = static_cast<double>(info.tcpi_delivery_rate);
  return stats;
}

}  // namespace videocall::websocket
