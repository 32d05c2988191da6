// SPDX-License-Identifier: MIT
#include "libvideocall/quic/quic_callbacks.h"

#include <gnutls/crypto.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <cstdlib>

#include "libvideocall/base/log.h"
#include "libvideocall/quic/convert.h"
#include "libvideocall/quic/quic_transport.h"

namespace videocall::quic {
namespace {

QuicTransport& transport(void* user) {
  return *static_cast<QuicTransport*>(user);
}

// Runs |f|; nothing but its success is known to C.
template <typename F>
int guarded(F&& f) noexcept {
  try {
    f();
    return 0;
  } catch (const std::exception& e) {
    log_message(LogLevel::error, "quic", e.what());
  } catch (...) {
    log_message(LogLevel::error, "quic", "an unknown exception");
  }
  return NGTCP2_ERR_CALLBACK_FAILURE;
}

}  // namespace

int QuicCallbacks::recv_crypto_data(ngtcp2_conn* conn,
                                    ngtcp2_crypto_level level, uint64_t offset,
                                    const uint8_t* data, size_t size,
                                    void* user) {
  if (transport(user).tls_.get())
    return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, size,
                                             user);
  // After the handshake a client has nothing to say to TLS: we ask for no
  // certificate, and KeyUpdate is forbidden (RFC 9001 section 6).
  ngtcp2_conn_set_tls_alert(conn, GNUTLS_A_UNEXPECTED_MESSAGE);
  return NGTCP2_ERR_CRYPTO;
}

int QuicCallbacks::handshake_completed(ngtcp2_conn*, void* user) {
  return guarded([&] {
    QuicTransport& t = transport(user);
    t.handshake_done_ = true;
    t.want_write_ = true;
    t.events_.on_handshake_done();
  });
}

int QuicCallbacks::recv_stream_data(ngtcp2_conn*, uint32_t flags, int64_t,
                                    uint64_t, const uint8_t* data, size_t size,
                                    void* user, void* stream_user) {
  return guarded([&] {
    QuicTransport& t = transport(user);
    auto* stream = static_cast<Stream*>(stream_user);
    if (!stream || stream->receive_over) {
      // Of a stream that we gave up: nobody else returns this credit.
      ngtcp2_conn_extend_max_offset(t.conn_, size);
      return;
    }
    const bool fin = (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0;
    t.heard_data_ = true;
    stream->unreleased += size;
    if (t.alive() && !t.close_pending_)
      t.events_.on_stream_data(*stream, {data, size}, fin);
    if (fin) t.end_receiving(*stream);
  });
}

int QuicCallbacks::acked_stream_data(ngtcp2_conn*, int64_t, uint64_t offset,
                                     uint64_t size, void* user,
                                     void* stream_user) {
  return guarded([&] {
    auto* stream = static_cast<Stream*>(stream_user);
    if (!stream) return;
    QuicTransport& t = transport(user);
    stream->acked = offset + size;
    if (stream->awaited) t.unacked_ -= size;
    stream->retained.acked(stream->acked);
    if (stream->fin_sent && stream->acked == stream->sent)
      t.events_.on_all_acked(*stream);
  });
}

int QuicCallbacks::stream_open(ngtcp2_conn*, int64_t id, void* user) {
  return guarded([&] {
    QuicTransport& t = transport(user);
    Stream& stream = t.add_stream(id, false);
    if (!stream.bidirectional()) {
      stream.send_over = true;
      ++t.peer_uni_streams_;
    }
    t.events_.on_peer_stream(stream);
  });
}

int QuicCallbacks::stream_close(ngtcp2_conn*, uint32_t, int64_t, uint64_t,
                                void* user, void* stream_user) {
  return guarded([&] {
    auto* stream = static_cast<Stream*>(stream_user);
    if (stream) transport(user).forget(*stream);
  });
}

int QuicCallbacks::stream_reset(ngtcp2_conn*, int64_t, uint64_t, uint64_t,
                                void* user, void* stream_user) {
  return guarded([&] {
    auto* stream = static_cast<Stream*>(stream_user);
    if (!stream || stream->receive_over) return;
    QuicTransport& t = transport(user);
    if (t.alive() && !t.close_pending_) t.events_.on_stream_reset(*stream);
    t.end_receiving(*stream);
  });
}

int QuicCallbacks::stateless_reset(ngtcp2_conn*,
                                   const ngtcp2_pkt_stateless_reset*,
                                   void* user) {
  return guarded([&] {
    transport(user).end(QuicTransport::State::draining,
                        {CloseReason::Kind::broken, false, 0,
                         "the peer forgot the connection"});
  });
}

int QuicCallbacks::stream_credit(ngtcp2_conn*, uint64_t, void* user) {
  return guarded([&] {
    QuicTransport& t = transport(user);
    if (!t.stream_credit_wanted_) return;
    t.stream_credit_wanted_ = false;
    t.want_write_ = true;
    t.events_.on_stream_credit();
  });
}

int QuicCallbacks::data_credit(ngtcp2_conn*, int64_t, uint64_t, void* user,
                               void* stream_user) {
  return guarded([&] {
    auto* stream = static_cast<Stream*>(stream_user);
    if (!stream || !stream->blocked || stream->send_over) return;
    QuicTransport& t = transport(user);
    stream->blocked = false;
    t.want_write_ = true;
    t.events_.on_send_unblocked(*stream);
  });
}

void QuicCallbacks::random(uint8_t* out, size_t size, const ngtcp2_rand_ctx*) {
  // Without randomness there is no QUIC, and no way to say so from here.
  if (gnutls_rnd(GNUTLS_RND_NONCE, out, size) != 0) std::abort();
}

int QuicCallbacks::new_connection_id(ngtcp2_conn*, ngtcp2_cid* cid,
                                     uint8_t* token, size_t, void* user) {
  QuicTransport& t = transport(user);
  return guarded([&] {
    const ConnectionId id = t.routes_.make_connection_id();
    *cid = to_cid(id);
    if (ngtcp2_crypto_generate_stateless_reset_token(
            token, t.config_.static_secret.data(),
            t.config_.static_secret.size(), cid) != 0)
      std::abort();
    t.routes_.on_new_connection_id(id);
  });
}

int QuicCallbacks::retired_connection_id(ngtcp2_conn*, const ngtcp2_cid* cid,
                                         void* user) {
  return guarded([&] {
    transport(user).routes_.on_retired_connection_id(from_cid(*cid));
  });
}

int QuicCallbacks::path_validated(ngtcp2_conn*, uint32_t,
                                  const ngtcp2_path* path,
                                  ngtcp2_path_validation_result result,
                                  void* user) {
  return guarded([&] {
    if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS)
      transport(user).routes_.on_path_changed(from_path(*path));
  });
}

int QuicCallbacks::recv_datagram(ngtcp2_conn*, uint32_t, const uint8_t* data,
                                 size_t size, void* user) {
  return guarded([&] {
    QuicTransport& t = transport(user);
    t.heard_data_ = true;
    if (t.alive() && !t.close_pending_) t.events_.on_datagram({data, size});
  });
}

int QuicCallbacks::send_keys(ngtcp2_conn*, ngtcp2_crypto_level level,
                             void* user) {
  return guarded([&] {
    if (level == NGTCP2_CRYPTO_LEVEL_APPLICATION)
      transport(user).events_.on_send_keys();
  });
}

ngtcp2_callbacks QuicCallbacks::common() {
  ngtcp2_callbacks c{};
  c.recv_crypto_data = recv_crypto_data;
  c.encrypt = ngtcp2_crypto_encrypt_cb;
  c.decrypt = ngtcp2_crypto_decrypt_cb;
  c.hp_mask = ngtcp2_crypto_hp_mask_cb;
  c.update_key = ngtcp2_crypto_update_key_cb;
  c.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  c.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  c.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
  c.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  c.handshake_completed = handshake_completed;
  c.recv_stream_data = recv_stream_data;
  c.acked_stream_data_offset = acked_stream_data;
  c.stream_open = stream_open;
  c.stream_close = stream_close;
  c.stream_reset = stream_reset;
  c.recv_stateless_reset = stateless_reset;
  c.extend_max_local_streams_bidi = stream_credit;
  c.extend_max_local_streams_uni = stream_credit;
  c.extend_max_stream_data = data_credit;
  c.rand = random;
  c.get_new_connection_id = new_connection_id;
  c.remove_connection_id = retired_connection_id;
  c.path_validation = path_validated;
  c.recv_datagram = recv_datagram;
  c.recv_tx_key = send_keys;
  return c;
}

ngtcp2_callbacks QuicCallbacks::server() {
  ngtcp2_callbacks c = common();
  c.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  return c;
}

ngtcp2_callbacks QuicCallbacks::client() {
  ngtcp2_callbacks c = common();
  c.client_initial = ngtcp2_crypto_client_initial_cb;
  c.recv_retry = ngtcp2_crypto_recv_retry_cb;
  return c;
}

}  // namespace videocall::quic
