// SPDX-License-Identifier: MIT
#include "libvideocall/auth/random.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <cstdlib>

namespace videocall::auth {

void fill_random(std::span<uint8_t> out) {
  if (gnutls_rnd(GNUTLS_RND_KEY, out.data(), out.size()) < 0) std::abort();
}

uint64_t random_u64() {
  uint64_t value = 0;
  fill_random({reinterpret_cast<uint8_t*>(&value), sizeof value});
  return value;
}

}  // namespace videocall::auth
