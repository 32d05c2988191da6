// SPDX-License-Identifier: MIT
#include "libvideocall/quic/quic_transport.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <algorithm>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/convert.h"
#include "libvideocall/quic/quic_callbacks.h"

namespace videocall::quic {
namespace {

// Receive windows. A client that has not been admitted can make us hold no
// more than the first; see widen_connection_window for the rest. A client
// trusts its server with more, for it may watch many.
constexpr uint64_t kServerDataWindow = 256 * 1024;
constexpr uint64_t kServerStreamWindow = 256 * 1024;
constexpr uint64_t kClientDataWindow = 4 * 1024 * 1024;
constexpr uint64_t kClientStreamWindow = 1280 * 1024;

// So large that the size of a packet is the only limit; what is too large for
// the contract is the channel's to judge.
constexpr uint64_t kMaxDatagramFrame = 65'535;
constexpr size_t kMaxConnectionIds = 7;
constexpr size_t kClientFirstIdBytes = 18;

// How long an acknowledgement may wait for a packet to go with: more than a
// frame of a picture takes to come, less than would disturb a peer's timers.
constexpr auto kAckHold = 40ms;

// A probe of what was lost may wait this long for data to go with.
constexpr auto kLazyWrite = 50ms;

ngtcp2_cc_algo to_algorithm(CongestionControl control) {
  switch (control) {
    case CongestionControl::cubic:
      return NGTCP2_CC_ALGO_CUBIC;
    case CongestionControl::bbr:
      return NGTCP2_CC_ALGO_BBR;
  }
  return NGTCP2_CC_ALGO_CUBIC;
}

CloseReason::Kind kind_of(int liberr) {
  switch (liberr) {
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT:
    case NGTCP2_ERR_CRYPTO:
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION:
    case NGTCP2_ERR_VERSION_NEGOTIATION_FAILURE:
      return CloseReason::Kind::handshake;
    case NGTCP2_ERR_IDLE_CLOSE:
      return CloseReason::Kind::idle;
    case NGTCP2_ERR_NOMEM:
    case NGTCP2_ERR_CALLBACK_FAILURE:
    case NGTCP2_ERR_INTERNAL:
    case NGTCP2_ERR_NO_VIABLE_PATH:
    case NGTCP2_ERR_PKT_NUM_EXHAUSTED:
    case NGTCP2_ERR_AEAD_LIMIT_REACHED:
      return CloseReason::Kind::broken;
    default:
      return CloseReason::Kind::protocol;
  }
}

}  // namespace

QuicTransport::QuicTransport(const ConnectionConfig& config,
                             StreamEvents& streams, RouteEvents& routes,
                             Time now)
    : config_(config),
      events_(streams),
      routes_(routes),
      now_(now),
      started_(now) {
  ngtcp2_path_storage_zero(&write_path_);
}

QuicTransport::~QuicTransport() {
  if (conn_) ngtcp2_conn_del(conn_);
}

void QuicTransport::fill_settings(ngtcp2_settings& settings,
                                  ngtcp2_transport_params& params) const {
  ngtcp2_settings_default(&settings);
  settings.cc_algo = to_algorithm(config_.congestion_control);
  settings.initial_ts = to_timestamp(started_);
  settings.handshake_timeout = to_duration(config_.handshake_timeout);
  ngtcp2_transport_params_default(&params);
  const uint64_t stream_window =
      server_ ? kServerStreamWindow : kClientStreamWindow;
  params.initial_max_data = server_ ? kServerDataWindow : kClientDataWindow;
  params.initial_max_stream_data_bidi_local = stream_window;
  params.initial_max_stream_data_bidi_remote = stream_window;
  params.initial_max_stream_data_uni = stream_window;
  params.initial_max_streams_bidi = config_.max_open_peer_streams;
  params.initial_max_streams_uni = config_.max_open_peer_streams;
  params.max_idle_timeout = to_duration(config_.quic_idle_timeout);
  params.max_ack_delay = to_duration(kAckHold);
  params.max_datagram_frame_size = kMaxDatagramFrame;
  params.active_connection_id_limit = kMaxConnectionIds;
}

Result<void> QuicTransport::make_session(const std::string& server_name) {
  auto session = config_.tls->new_session(&conn_, server_name);
  if (!session) return session.error();
  tls_ = std::move(*session);
  ngtcp2_conn_set_tls_native_handle(conn_, tls_.get());
  return {};
}

Result<void> QuicTransport::start_server(const Connection::ServerStart& start) {
  server_ = true;
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  fill_settings(settings, params);
  settings.token = {const_cast<uint8_t*>(start.token.data()),
                    start.token.size()};
  params.original_dcid =
      to_cid(start.original_destination.value_or(start.destination));
  if (start.original_destination) {
    params.retry_scid = to_cid(start.destination);
    params.retry_scid_present = 1;
  }
  const ConnectionId id = routes_.make_connection_id();
  const ngtcp2_cid own = to_cid(id);
  const ngtcp2_cid client = to_cid(start.source);
  if (ngtcp2_crypto_generate_stateless_reset_token(
          params.stateless_reset_token, config_.static_secret.data(),
          config_.static_secret.size(), &own) != 0)
    return Error{Errc::internal, "cannot make a stateless reset token"};
  params.stateless_reset_token_present = 1;
  const ngtcp2_path path = to_path(start.path);
  const ngtcp2_callbacks callbacks = QuicCallbacks::server();
  if (ngtcp2_conn_server_new(&conn_, &client, &own, &path, start.version,
                             &callbacks, &settings, &params, nullptr,
                             this) != 0)
    return Error{Errc::internal, "no memory for a QUIC connection"};
  if (auto made = make_session({}); !made) return made;
  // A ClientHello may span several packets with the id that the client chose.
  routes_.on_new_connection_id(start.destination);
  routes_.on_new_connection_id(id);
  return {};
}

Result<void> QuicTransport::start_client(const Connection::ClientStart& start) {
  ngtcp2_settings settings;
  ngtcp2_transport_params params;
  fill_settings(settings, params);
  const ConnectionId id = routes_.make_connection_id();
  const ngtcp2_cid own = to_cid(id);
  ngtcp2_cid first;
  first.datalen = kClientFirstIdBytes;
  if (gnutls_rnd(GNUTLS_RND_NONCE, first.data, first.datalen) != 0)
    return Error{Errc::internal, "no random numbers"};
  const ngtcp2_path path = to_path(start.path);
  const ngtcp2_callbacks callbacks = QuicCallbacks::client();
  if (ngtcp2_conn_client_new(&conn_, &first, &own, &path, NGTCP2_PROTO_VER_V1,
                             &callbacks, &settings, &params, nullptr,
                             this) != 0)
    return Error{Errc::internal, "no memory for a QUIC connection"};
  if (auto made = make_session(start.server_name); !made) return made;
  routes_.on_new_connection_id(id);
  return {};
}

void QuicTransport::receive(const Path& path, Bytes datagram, unsigned ecn,
                            Time now) {
  now_ = now;
  if (datagram.empty()) return;
  bytes_received_ += datagram.size();
  if (state_ == State::closing && close_credit_++ >= close_interval_) {
    // Answered ever more rarely (RFC 9000 section 10.2.1).
    close_credit_ = 0;
    close_interval_ *= 2;
    close_repeat_ = true;
  }
  if (state_ != State::active || close_pending_) return;
  const ngtcp2_path from = to_path(path);
  ngtcp2_pkt_info info{};
  info.ecn = ecn;
  const int rv = ngtcp2_conn_read_pkt(conn_, &from, &info, datagram.data(),
                                      datagram.size(), to_timestamp(now));
  expiry_known_ = false;
  heard_ = now;
  if (rv != 0) return fail(rv);
  if (server_ && handshake_done_) drop_tls();
  end_stopped();
  congested_ = false;
  if (!data_blocked_.empty()) unblock_after_data_credit();
  // Acknowledgements alone wait for company; what was lost does not, and
  // nothing in ngtcp2's timers tells of it.
  if (!handshake_done_ || unacked_ > 0) want_write_ = true;
  lazy_write_ = std::min(lazy_write_, now + kLazyWrite);
}

// The keys are ngtcp2's by now, and the session tickets wait in its buffers.
// GnuTLS would keep 15 kB of the handshake for as long as the session lasts.
void QuicTransport::drop_tls() {
  if (!tls_.get()) return;
  ngtcp2_conn_set_tls_native_handle(conn_, nullptr);
  tls_.drop_session();
}

// Every call that may change it forgets it.
ngtcp2_tstamp QuicTransport::expiry() const {
  if (!expiry_known_) {
    expiry_ = ngtcp2_conn_get_expiry(conn_);
    expiry_known_ = true;
  }
  return expiry_;
}

bool QuicTransport::handle_expiry() {
  const ngtcp2_tstamp now = to_timestamp(now_);
  if (expiry() > now) return true;
  expiry_known_ = false;
  if (int rv = ngtcp2_conn_handle_expiry(conn_, now); rv != 0) {
    fail(rv);
    return false;
  }
  congested_ = false;
  want_write_ = true;
  note_probe();
  return true;
}

// Whether it was the probe timeout that expired.
void QuicTransport::note_probe() {
  ngtcp2_conn_stat stat;
  ngtcp2_conn_get_conn_stat(conn_, &stat);
  if (stat.pto_count > 0) probes_ = handshake_done_;
}

void QuicTransport::on_timer(Time now) {
  now_ = now;
  if (state_ == State::active && !close_pending_) handle_expiry();
  if ((state_ == State::closing || state_ == State::draining) && now >= end_at_)
    state_ = State::finished;
}

// To a viewer the next frame is on its way, and takes the ACK of whatever its
// client sends beside its own ACKs along: nothing else can be due then. Not so
// while the client sends media, whose losses it must learn of.
Time QuicTransport::due() const {
  const Time due = from_timestamp(expiry());
  const bool hold = handshake_done_ && !heard_data_ && !congested_ &&
                    unacked_ == 0 && heard_ - streamed_ < kAckHold;
  return hold ? std::max(due, heard_ + kAckHold) : due;
}

Time QuicTransport::next_timer() const {
  switch (state_) {
    case State::active:
      return std::min(due(), lazy_write_);
    case State::closing:
    case State::draining:
      return end_at_;
    case State::finished:
      break;
  }
  return Time::max();
}

bool QuicTransport::wants_write(Time now) const {
  if (state_ == State::closing) return close_repeat_;
  if (state_ != State::active) return false;
  if (close_pending_) return true;
  if (want_write_ && !congested_) return true;
  return std::min(due(), lazy_write_) <= now;
}

void QuicTransport::close(uint64_t code, const CloseReason& reason) {
  if (state_ != State::active || close_pending_) return;
  ngtcp2_connection_close_error_set_application_error(&close_error_, code,
                                                      nullptr, 0);
  close_pending_ = true;
  events_.on_connection_over(reason);
}

// ngtcp2 reported an error that ends the connection.
void QuicTransport::fail(int liberr) {
  if (state_ != State::active) return;
  CloseReason reason;
  reason.kind = kind_of(liberr);
  reason.text = ngtcp2_strerror(liberr);
  switch (liberr) {
    case NGTCP2_ERR_DRAINING:
      return enter_draining();
    case NGTCP2_ERR_RETRY:
    case NGTCP2_ERR_DROP_CONN:
    case NGTCP2_ERR_IDLE_CLOSE:
      return end(State::finished, reason);
    default:
      break;
  }
  if (close_pending_) return;
  if (liberr == NGTCP2_ERR_CRYPTO) {
    const uint8_t alert = ngtcp2_conn_get_tls_alert(conn_);
    ngtcp2_connection_close_error_set_transport_error_tls_alert(
        &close_error_, alert, nullptr, 0);
    reason.code = NGTCP2_CRYPTO_ERROR | alert;
    reason.text = "TLS handshake failed: ";
    const char* name = gnutls_alert_get_strname(
        static_cast<gnutls_alert_description_t>(alert));
    reason.text += name ? name : "unknown alert";
    if (!tls_.refusal().empty()) reason.text = tls_.refusal();
  } else {
    ngtcp2_connection_close_error_set_transport_error_liberr(
        &close_error_, liberr, nullptr, 0);
    reason.code = close_error_.error_code;
  }
  close_pending_ = true;
  events_.on_connection_over(reason);
}

void QuicTransport::end(State state, const CloseReason& reason) {
  const bool told = close_pending_;
  state_ = state;
  close_pending_ = false;
  // RFC 9000 section 10.2: long enough for what is still on its way.
  end_at_ =
      now_ + 3 * Duration(static_cast<int64_t>(ngtcp2_conn_get_pto(conn_)));
  if (!told) events_.on_connection_over(reason);
}

void QuicTransport::enter_draining() {
  end(State::draining, peer_close_reason());
}

CloseReason QuicTransport::peer_close_reason() const {
  ngtcp2_connection_close_error error;
  ngtcp2_conn_get_connection_close_error(conn_, &error);
  CloseReason reason;
  reason.kind =
      handshake_done_ ? CloseReason::Kind::peer : CloseReason::Kind::handshake;
  reason.application =
      error.type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
  reason.code = error.error_code;
  reason.text.assign(reinterpret_cast<const char*>(error.reason),
                     error.reasonlen);
  if (!reason.text.empty()) return reason;
  if (!reason.application && (reason.code & ~uint64_t{0xff}) == 0x100) {
    const char* name = gnutls_alert_get_strname(
        static_cast<gnutls_alert_description_t>(reason.code & 0xff));
    reason.text =
        std::string("the peer's TLS said: ") + (name ? name : "unknown alert");
  } else {
    reason.text =
        "closed by the peer with error " + std::to_string(reason.code);
  }
  return reason;
}

void QuicTransport::write_close(PacketSink& sink) {
  if (close_packet_.empty()) {
    close_packet_.resize(NGTCP2_MAX_UDP_PAYLOAD_SIZE);
    ngtcp2_pkt_info info{};
    const ngtcp2_ssize size = ngtcp2_conn_write_connection_close(
        conn_, &write_path_.path, &info, close_packet_.data(),
        close_packet_.size(), &close_error_, to_timestamp(now_));
    if (size <= 0) {
      // Nothing was ever sent on it: then nobody waits for an end.
      return end(State::finished, {});
    }
    close_packet_.resize(static_cast<size_t>(size));
    close_path_ = from_path(write_path_.path);
    end(State::closing, {});
  }
  close_repeat_ = false;
  bytes_sent_ += close_packet_.size();
  ++packets_sent_;
  sink.send(close_path_, close_packet_, close_packet_.size(), 0);
}

TransportStats QuicTransport::stats() const {
  ngtcp2_conn_stat stat;
  ngtcp2_conn_get_conn_stat(conn_, &stat);
  TransportStats out;
  if (stat.first_rtt_sample_ts != UINT64_MAX) {
    out.smoothed_rtt = Duration(static_cast<int64_t>(stat.smoothed_rtt));
    out.latest_rtt = Duration(static_cast<int64_t>(stat.latest_rtt));
  }
  out.bytes_sent = bytes_sent_;
  out.bytes_received = bytes_received_;
  out.packets_sent = packets_sent_;
  out.packets_lost = lost_before_;
  for (const auto& [id, stream] : streams_)
    out.packets_lost += ngtcp2_conn_get_stream_loss_count(conn_, id);
  out.congestion_window = stat.cwnd;
  out.bytes_in_flight = stat.bytes_in_flight;
  // Those that were lost are not counted in bytes, but were full, mostly.
  const uint64_t missing =
      out.bytes_in_flight + out.packets_lost * NGTCP2_MAX_UDP_PAYLOAD_SIZE;
  out.bytes_delivered = bytes_sent_ > missing ? bytes_sent_ - missing : 0;
  out.delivery_rate = static_cast<double>(stat.delivery_rate_sec);
  return out;
}

}  // namespace videocall::quic
