// SPDX-License-Identifier: MIT
// Any bytes as a token, and as the parts of a token that was signed: nothing
// but what the signer issued is accepted, and that comes back the same.
#include <cstdint>
#include <string>

#include "libvideocall/auth/token.h"
#include "tests/fuzz/check.h"

using namespace videocall;

namespace {

const UnixTime kNow{std::chrono::seconds(1'800'000'000)};

const TokenSigner& signer() {
  static const TokenSigner signer(
      *SecretKey::from_hex("000102030405060708090a0b0c0d0e0f"
                           "101112131415161718191a1b1c1d1e1f"),
      "videocall");
  return signer;
}

void claim(const std::string& text) {
  TokenClaims claims;
  claims.user_id = text;
  claims.meeting = "demo";
  claims.audience = "node";
  claims.display_name = text;
  const auto token = signer().issue(claims, kNow);
  if (!token) return;
  const auto verified = signer().verify(*token, "node", "demo", kNow);
  FUZZ_CHECK(verified.ok() || token->size() > kMaxTokenBytes);
  if (verified) FUZZ_CHECK(verified->user_id == text);
  FUZZ_CHECK(!signer().verify(*token, "node", "other", kNow).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The key above signed nothing outside this process.
  FUZZ_CHECK(!signer().verify(text, "node", "demo", kNow).ok());
  claim(text);
  return 0;
}
