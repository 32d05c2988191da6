// SPDX-License-Identifier: MIT
#include "tests/badinput/wire_client.h"

#include <gnutls/crypto.h>
#include <poll.h>

#include <algorithm>

#include "libvideocall/quic/capsules.h"
#include "libvideocall/quic/qpack.h"
#include "libvideocall/quic/tls.h"
#include "tests/support/make_packet.h"
#include "tests/support/suite.h"

namespace videocall::badinput {
namespace {

using namespace videocall::quic;
using std::chrono::milliseconds;

constexpr size_t kVisitBytes = 128 * 1024;
constexpr uint8_t kLongHeader = 0x80;
constexpr uint8_t kRetryBits = 0xf0;  // fixed bit and type of a Retry

PacketRef raw_packet(Bytes bytes) {
  PacketRef packet = Packet::allocate(bytes.size());
  std::copy(bytes.begin(), bytes.end(), packet->mutable_bytes());
  return packet;
}

ConnectionConfig client_config() {
  static const std::shared_ptr<TlsContext> tls = [] {
    TlsClientConfig config;
    config.insecure_skip_verify = true;
    auto made = TlsContext::create_client(config);
    ck_assert(made.ok());
    return *made;
  }();
  ConnectionConfig config;
  config.tls = tls;
  return config;
}

Path path_of(int fd) {
  Path path;
  path.local_size = sizeof path.local;
  path.remote_size = sizeof path.remote;
  getsockname(fd, reinterpret_cast<sockaddr*>(&path.local), &path.local_size);
  getpeername(fd, reinterpret_cast<sockaddr*>(&path.remote), &path.remote_size);
  return path;
}

h3::Fields connect_fields(const std::string& path, const std::string& origin) {
  h3::Fields fields = {{":method", "CONNECT"},
                       {":protocol", "webtransport"},
                       {":scheme", "https"},
                       {":authority", "127.0.0.1"},
                       {":path", path}};
  if (!origin.empty()) fields.emplace_back("origin", origin);
  return fields;
}

}  // namespace

Buffer varints(std::initializer_list<uint64_t> values) {
  Buffer out;
  for (const uint64_t value : values) h3::append_varint(out, value);
  return out;
}

Buffer h3_frame(uint64_t type, const Buffer& payload) {
  Buffer out;
  h3::append_frame(out, type, payload);
  return out;
}

Buffer framed(const PacketRef& packet) {
  const Bytes bytes = packet->framed();
  return {bytes.begin(), bytes.end()};
}

Buffer frame_prefix(uint32_t length) {
  return {static_cast<uint8_t>(length >> 24),
          static_cast<uint8_t>(length >> 16), static_cast<uint8_t>(length >> 8),
          static_cast<uint8_t>(length)};
}

UniqueFd connect_udp(uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto server = SocketAddress::parse("127.0.0.1:" + std::to_string(port));
  ck_assert(fd && server.ok() &&
            ::connect(fd.get(), server->get(), server->size) == 0);
  return fd;
}

WireClient::WireClient(uint16_t port)
    : socket_(connect_udp(port)), path_(path_of(socket_.get())) {
  transport_ = std::make_unique<QuicTransport>(client_config(), *this, *this,
                                               Clock::now());
  Connection::ClientStart start;
  start.path = path_;
  ck_assert(transport_->start_client(start).ok());
  write();
}

WireClient::~WireClient() {
  if (transport_->alive()) {
    transport_->close(h3::kNoError, {});
    write();
  }
}

// -- The loop -----------------------------------------------------------------

void WireClient::turn(milliseconds timeout) {
  write();
  const Time due = transport_->next_timer();
  const Time now = Clock::now();
  if (due < now + timeout)
    timeout = std::chrono::ceil<milliseconds>(std::max(due - now, Duration{}));
  pollfd entry{socket_.get(), POLLIN, 0};
  poll(&entry, 1, static_cast<int>(timeout.count()));
  read_socket();
  if (transport_->next_timer() <= Clock::now())
    transport_->on_timer(Clock::now());
  write();
}

bool WireClient::until(const std::function<bool()>& done,
                       milliseconds patience) {
  const Time end = Clock::now() + patience;
  while (!done()) {
    if (Clock::now() >= end || transport_->finished()) return done();
    turn(milliseconds(20));
  }
  return true;
}

void WireClient::run_for(milliseconds time) {
  until([] { return false; }, time);
}

void WireClient::read_socket() {
  if (deaf) return;
  std::array<uint8_t, 65'536> bytes;
  for (;;) {
    const ssize_t size = recv(socket_.get(), bytes.data(), bytes.size(), 0);
    if (size <= 0) return;
    was_retried |= (bytes[0] & kRetryBits) == kRetryBits;
    bytes_in += static_cast<size_t>(size);
    transport_->receive(path_, {bytes.data(), static_cast<size_t>(size)}, 0,
                        Clock::now());
  }
}

void WireClient::write() {
  // A sender of much must hear acknowledgements in between.
  for (int visit = 0; visit < 8 && transport_->wants_write(Clock::now());
       ++visit)
    transport_->write(*this, kVisitBytes, Clock::now());
}

void WireClient::send(const Path&, Bytes bytes, size_t segment_size, unsigned) {
  while (!bytes.empty()) {
    const Bytes segment = bytes.first(std::min(segment_size, bytes.size()));
    bytes = bytes.subspan(segment.size());
    ::send(socket_.get(), segment.data(), segment.size(), 0);
  }
}

// -- QUIC ---------------------------------------------------------------------

std::optional<StreamId> WireClient::open(bool bidirectional) {
  auto stream = transport_->open_stream(bidirectional, {});
  if (!stream) return std::nullopt;
  return (*stream)->id;
}

void WireClient::send(StreamId stream, const Buffer& bytes, bool fin) {
  Bytes rest = bytes;
  do {
    const Bytes part = rest.first(std::min<size_t>(rest.size(), 512 * 1024));
    rest = rest.subspan(part.size());
    SendItem item;
    item.kind = SendItem::Kind::stream;
    item.stream = stream;
    if (!part.empty()) {
      item.packet = raw_packet(part);
      item.bytes = item.packet->bytes();
    }
    item.fin = fin && rest.empty();
    if (!part.empty() || item.fin) queue_.push_back(std::move(item));
  } while (!rest.empty());
  transport_->want_write();
}

void WireClient::send_datagram(const Buffer& bytes) {
  SendItem item;
  item.kind = SendItem::Kind::datagram;
  item.packet = raw_packet(bytes);
  item.bytes = item.packet->bytes();
  queue_.push_back(std::move(item));
  transport_->want_write();
}

void WireClient::reset(StreamId stream) {
  stream_unknown(stream);
  transport_->reset(stream, h3::webtransport_error(0));
}

void WireClient::resume() {
  hold = false;
  for (const auto& [id, in] : streams)
    if (Stream* stream = transport_->find(id)) transport_->release_all(*stream);
  transport_->want_write();
}

void WireClient::on_stream_data(Stream& stream, Bytes bytes, bool fin) {
  In& in = streams[stream.id];
  // Of media only the beginning is ever looked at.
  if (in.bytes.size() < 64 * 1024)
    in.bytes.insert(in.bytes.end(), bytes.begin(), bytes.end());
  in.fin |= fin;
  if (!hold) transport_->release_all(stream);
}

void WireClient::on_stream_reset(Stream& stream) {
  streams[stream.id].reset = true;
}

void WireClient::on_send_stopped(Stream& stream) {
  stream_unknown(stream.id);
}

void WireClient::on_send_unblocked(Stream& stream) {
  blocked_.erase(stream.id);
}

void WireClient::on_send_blocked(Stream& stream) {
  blocked_.insert(stream.id);
}

void WireClient::on_connection_over(const CloseReason& why) {
  over = true;
  reason = why;
}

SendItem WireClient::next(Time) {
  for (current_ = 0; current_ < queue_.size(); ++current_) {
    const SendItem& item = queue_[current_];
    if (item.kind == SendItem::Kind::stream && blocked_.contains(item.stream))
      continue;
    SendItem offered = item;
    offered.more = current_ + 1 < queue_.size();
    return offered;
  }
  return {};
}

void WireClient::consumed(const SendItem&, size_t size, bool fin) {
  SendItem& item = queue_[current_];
  item.bytes = item.bytes.subspan(size);
  if (item.bytes.empty() && item.fin == fin)
    queue_.erase(queue_.begin() + static_cast<ptrdiff_t>(current_));
}

void WireClient::datagram_refused(const SendItem&) {
  queue_.erase(queue_.begin() + static_cast<ptrdiff_t>(current_));
}

void WireClient::stream_unknown(StreamId stream) {
  std::erase_if(queue_, [stream](const SendItem& item) {
    return item.kind == SendItem::Kind::stream && item.stream == stream;
  });
}

ConnectionId WireClient::make_connection_id() {
  ConnectionId id;
  id.size = 16;
  gnutls_rnd(GNUTLS_RND_NONCE, id.bytes.data(), id.size);
  return id;
}

// -- WebTransport -------------------------------------------------------------

void WireClient::request(const std::string& path, const std::string& origin) {
  ck_assert_msg(until([this] { return ready || over; }) && ready,
                "no handshake: %s", reason.text.c_str());
  const auto control = open(false);
  const auto connect = open(true);
  ck_assert(control && connect);
  connect_stream = *connect;
  send(*control,
       varints({h3::kStreamControl}) +
           h3_frame(h3::kFrameSettings, varints({h3::kSettingDatagram, 1})));
  auto fields = h3::encode_fields(connect_fields(path, origin));
  ck_assert(fields.ok());
  send(connect_stream, h3_frame(h3::kFrameHeaders, *fields));
}

int WireClient::connect(const std::string& path, const std::string& origin) {
  request(path, origin);
  until([this] { return status() != 0 || over; });
  return status();
}

int WireClient::status() const {
  const auto found = streams.find(connect_stream);
  if (found == streams.end()) return 0;
  Bytes bytes = found->second.bytes;
  h3::TlvReader reader;
  if (reader.next(bytes) != h3::TlvReader::Event::start ||
      reader.next(bytes) != h3::TlvReader::Event::payload ||
      reader.payload().size() < reader.length())
    return 0;
  const auto fields = h3::decode_fields(reader.payload());
  const std::string* status =
      fields ? h3::find_field(*fields, ":status") : nullptr;
  return status ? std::stoi(*status) : 0;
}

bool WireClient::enter(const std::string& meeting) {
  Buffer data;
  if (!meeting.empty()) {
    // ConnectionPacket.meeting_id
    data = {0x0a, static_cast<uint8_t>(meeting.size())};
    data.insert(data.end(), meeting.begin(), meeting.end());
  }
  PacketFields fields;
  fields.type = PacketType::connection;
  fields.data = data;
  control_ = session_stream(true, framed(*Packet::build(fields)));
  return until([this] {
           return !streams[control_].bytes.empty() || over || close_code();
         }) &&
         !streams[control_].bytes.empty();
}

StreamId WireClient::session_stream(bool bidirectional, const Buffer& bytes,
                                    bool fin) {
  std::optional<StreamId> stream;
  until([&] { return (stream = open(bidirectional)) || over; });
  if (!stream) return -1;
  const uint64_t type =
      bidirectional ? h3::kFrameWebTransport : h3::kStreamWebTransport;
  send(*stream, varints({type, static_cast<uint64_t>(connect_stream)}) + bytes,
       fin);
  return *stream;
}

void WireClient::session_datagram(const Buffer& bytes) {
  send_datagram(varints({static_cast<uint64_t>(connect_stream) / 4}) + bytes);
}

void WireClient::capsule(const Buffer& bytes) {
  send(connect_stream, h3_frame(h3::kFrameData, bytes));
}

std::optional<std::pair<uint32_t, std::string>> WireClient::read_close() const {
  const auto found = streams.find(connect_stream);
  if (found == streams.end()) return std::nullopt;
  Bytes bytes = found->second.bytes;
  h3::TlvReader frames;
  h3::CapsuleReader capsules;
  for (;;) {
    const auto event = frames.next(bytes);
    if (event == h3::TlvReader::Event::need_more) return std::nullopt;
    if (event != h3::TlvReader::Event::payload ||
        frames.type() != h3::kFrameData)
      continue;
    Bytes payload = frames.payload();
    for (auto one = capsules.next(payload); one && *one;
         one = capsules.next(payload)) {
      if ((*one)->type == h3::kCapsuleClose)
        return std::pair((*one)->close.code, (*one)->close.reason);
    }
  }
}

std::optional<uint32_t> WireClient::close_code() const {
  const auto close = read_close();
  if (!close) return std::nullopt;
  return close->first;
}

std::string WireClient::close_reason() const {
  const auto close = read_close();
  return close ? close->second : "";
}

// -- Half a handshake ---------------------------------------------------------

namespace {

struct Nobody final : StreamEvents, RouteEvents, PacketSink {
  void on_send_keys() override {}
  void on_handshake_done() override {}
  void on_peer_stream(Stream&) override {}
  void on_stream_data(Stream&, Bytes, bool) override {}
  void on_stream_reset(Stream&) override {}
  void on_send_stopped(Stream&) override {}
  void on_send_unblocked(Stream&) override {}
  void on_all_acked(Stream&) override {}
  void on_stream_closed(Stream&) override {}
  void on_stream_credit() override {}
  void on_datagram(Bytes) override {}
  void on_connection_over(const CloseReason&) override {}
  SendItem next(Time) override { return {}; }
  Bytes datagram_prefix() override { return {}; }
  void consumed(const SendItem&, size_t, bool) override {}
  void datagram_refused(const SendItem&) override {}
  void on_send_blocked(Stream&) override {}
  void stream_unknown(StreamId) override {}
  ConnectionId make_connection_id() override {
    ConnectionId id;
    id.size = 16;
    gnutls_rnd(GNUTLS_RND_NONCE, id.bytes.data(), id.size);
    return id;
  }
  void on_new_connection_id(const ConnectionId&) override {}
  void on_retired_connection_id(const ConnectionId&) override {}
  void on_path_changed(const Path&) override {}
  void send(const Path&, Bytes bytes, size_t segment_size, unsigned) override {
    if (!first.empty()) return;
    const Bytes one = bytes.first(std::min(segment_size, bytes.size()));
    first.assign(one.begin(), one.end());
  }
  Buffer first;
};

}  // namespace

Buffer first_initial() {
  Nobody nobody;
  QuicTransport transport(client_config(), nobody, nobody, Clock::now());
  Connection::ClientStart start;
  const auto address = *SocketAddress::parse("127.0.0.1:1");
  start.path = {address.storage, address.size, address.storage, address.size};
  ck_assert(transport.start_client(start).ok());
  transport.write(nobody, 0, Clock::now());
  ck_assert(!nobody.first.empty() && (nobody.first[0] & kLongHeader));
  return nobody.first;
}

}  // namespace videocall::badinput
