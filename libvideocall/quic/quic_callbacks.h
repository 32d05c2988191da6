// SPDX-License-Identifier: MIT
// The C callbacks by which ngtcp2 reaches a QuicTransport. No exception leaves
// any of them.
#pragma once

#include <ngtcp2/ngtcp2.h>

namespace videocall::quic {

struct QuicCallbacks {
  static ngtcp2_callbacks server();
  static ngtcp2_callbacks client();

 private:
  static ngtcp2_callbacks common();
  static int recv_crypto_data(ngtcp2_conn*, ngtcp2_crypto_level level,
                              uint64_t offset, const uint8_t* data, size_t size,
                              void* user);
  static int handshake_completed(ngtcp2_conn*, void* user);
  static int recv_stream_data(ngtcp2_conn*, uint32_t flags, int64_t id,
                              uint64_t offset, const uint8_t* data, size_t size,
                              void* user, void* stream);
  static int acked_stream_data(ngtcp2_conn*, int64_t id, uint64_t offset,
                               uint64_t size, void* user, void* stream);
  static int stream_open(ngtcp2_conn*, int64_t id, void* user);
  static int stream_close(ngtcp2_conn*, uint32_t flags, int64_t id,
                          uint64_t code, void* user, void* stream);
  static int stream_reset(ngtcp2_conn*, int64_t id, uint64_t final_size,
                          uint64_t code, void* user, void* stream);
  static int stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*,
                             void* user);
  static int stream_credit(ngtcp2_conn*, uint64_t max, void* user);
  static int data_credit(ngtcp2_conn*, int64_t id, uint64_t max, void* user,
                         void* stream);
  static void random(uint8_t* out, size_t size, const ngtcp2_rand_ctx*);
  static int new_connection_id(ngtcp2_conn*, ngtcp2_cid* cid, uint8_t* token,
                               size_t size, void* user);
  static int retired_connection_id(ngtcp2_conn*, const ngtcp2_cid* cid,
                                   void* user);
  static int path_validated(ngtcp2_conn*, uint32_t flags, const ngtcp2_path*,
                            ngtcp2_path_validation_result, void* user);
  static int recv_datagram(ngtcp2_conn*, uint32_t flags, const uint8_t* data,
                           size_t size, void* user);
  static int send_keys(ngtcp2_conn*, ngtcp2_crypto_level level, void* user);
};

}  // namespace videocall::quic
