// SPDX-License-Identifier: MIT
#include "libvideocall/auth/token.h"

#include <jwt.h>

#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>

namespace videocall {
namespace {

struct JwtFree {
  void operator()(jwt_t* jwt) const { jwt_free(jwt); }
};
struct CFree {
  void operator()(char* text) const { std::free(text); }
};
using JwtPtr = std::unique_ptr<jwt_t, JwtFree>;

constexpr size_t kTokenIdBytes = 16;

Error refused(const char* reason) {
  return Error{Errc::unauthenticated, std::string("token refused: ") + reason};
}

std::optional<std::string> text_claim(jwt_t* jwt, const char* name) {
  const char* value = jwt_get_grant(jwt, name);
  if (value == nullptr) return std::nullopt;
  return std::string(value);
}

// libjwt's typed getters also take a text for a number and a number for a
// boolean, so these claims are read from their JSON.
std::optional<std::string> json_claim(jwt_t* jwt, const char* name) {
  const std::unique_ptr<char, CFree> json(jwt_get_grants_json(jwt, name));
  if (!json) return std::nullopt;
  return std::string(json.get());
}

std::optional<int64_t> integer_claim(jwt_t* jwt, const char* name) {
  const auto json = json_claim(jwt, name);
  if (!json) return std::nullopt;
  int64_t value = 0;
  const char* end = json->data() + json->size();
  const auto parsed = std::from_chars(json->data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

std::optional<bool> boolean_claim(jwt_t* jwt, const char* name) {
  const auto json = json_claim(jwt, name);
  if (json == "true") return true;
  if (json == "false") return false;
  return std::nullopt;
}

// libjwt would take any algorithm that the header names; ours is fixed.
JwtPtr decode(std::string_view token, std::span<const uint8_t> key) {
  const std::string text(token);
  jwt_t* raw = nullptr;
  if (jwt_decode(&raw, text.c_str(), key.data(),
                 static_cast<int>(key.size())) != 0)
    return nullptr;
  JwtPtr jwt(raw);
  if (jwt_get_alg(jwt.get()) != JWT_ALG_HS256) return nullptr;
  return jwt;
}

std::optional<TokenClaims> read_claims(jwt_t* jwt) {
  const auto user_id = text_claim(jwt, "sub");
  const auto meeting = text_claim(jwt, "room");
  const auto audience = text_claim(jwt, "aud");
  const auto token_id = text_claim(jwt, "jti");
  const auto display_name = text_claim(jwt, "display_name");
  const auto origin = text_claim(jwt, "origin");
  const auto role = integer_claim(jwt, "role");
  const auto is_host = boolean_claim(jwt, "is_host");
  const auto issued_at = integer_claim(jwt, "iat");
  const auto expires_at = integer_claim(jwt, "exp");
  if (!user_id || !meeting || !audience || !token_id || !display_name ||
      !origin || !role || *role < 0 || *role > UINT32_MAX || !is_host ||
      !issued_at || !expires_at)
    return std::nullopt;
  TokenClaims claims;
  claims.user_id = *user_id;
  claims.meeting = *meeting;
  claims.audience = *audience;
  claims.token_id = *token_id;
  claims.display_name = *display_name;
  claims.origin = *origin;
  claims.role = static_cast<uint32_t>(*role);
  claims.is_host = *is_host;
  claims.issued_at = UnixTime(std::chrono::seconds(*issued_at));
  claims.expires_at = UnixTime(std::chrono::seconds(*expires_at));
  return claims;
}

}  // namespace

TokenSigner::TokenSigner(const SecretKey& key, std::string issuer)
    : key_(key), issuer_(std::move(issuer)) {}

Result<std::string> TokenSigner::issue(TokenClaims claims, UnixTime now) const {
  claims.token_id = random_base64url(kTokenIdBytes);
  claims.issued_at = now;
  claims.expires_at = now + kTokenLifetime;

  jwt_t* raw = nullptr;
  if (jwt_new(&raw) != 0) return Error{Errc::internal, "out of memory"};
  const JwtPtr jwt(raw);
  // libjwt takes C strings: a zero byte would cut a claim short.
  const auto text = [&](const char* name, const std::string& value) {
    return value.find('\0') == std::string::npos &&
           jwt_add_grant(jwt.get(), name, value.c_str()) == 0;
  };
  const auto integer = [&](const char* name, int64_t value) {
    return jwt_add_grant_int(jwt.get(), name, value) == 0;
  };
  const std::span<const uint8_t> key = key_.bytes();
  const bool made =
      text("iss", issuer_) && text("sub", claims.user_id) &&
      text("room", claims.meeting) && text("aud", claims.audience) &&
      text("jti", claims.token_id) &&
      text("display_name", claims.display_name) &&
      text("origin", claims.origin) && integer("role", claims.role) &&
      jwt_add_grant_bool(jwt.get(), "is_host", claims.is_host) == 0 &&
      integer("iat", claims.issued_at.time_since_epoch().count()) &&
      integer("exp", claims.expires_at.time_since_epoch().count()) &&
      jwt_set_alg(jwt.get(), JWT_ALG_HS256, key.data(),
                  static_cast<int>(key.size())) == 0;
  if (!made)
    return Error{Errc::internal, "a claim of the token is not text in UTF-8"};
  const std::unique_ptr<char, CFree> encoded(jwt_encode_str(jwt.get()));
  if (!encoded) return Error{Errc::internal, "cannot sign the token"};
  return std::string(encoded.get());
}

Result<TokenClaims> TokenSigner::verify(std::string_view token,
                                        std::string_view audience,
                                        std::string_view meeting,
                                        UnixTime now) const {
  if (token.empty()) return refused("it is missing");
  if (token.size() > kMaxTokenBytes) return refused("it is too long");
  if (token.find('\0') != std::string_view::npos)
    return refused("it is not a JWT");
  const JwtPtr jwt = decode(token, key_.bytes());
  if (!jwt) return refused("its signature or form is wrong");
  if (text_claim(jwt.get(), "iss") != issuer_)
    return refused("another issuer made it");
  auto claims = read_claims(jwt.get());
  if (!claims) return refused("a claim is missing or has the wrong type");
  if (claims->audience != audience) return refused("it is for another node");
  if (claims->meeting != meeting) return refused("it is for another meeting");
  if (now >= claims->expires_at) return refused("it has expired");
  if (claims->expires_at > now + kTokenLifetime + kTokenClockSkew ||
      claims->issued_at > now + kTokenClockSkew)
    return refused("it is from the future");
  return *std::move(claims);
}

}  // namespace videocall
