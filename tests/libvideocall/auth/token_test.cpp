// SPDX-License-Identifier: MIT
#include "libvideocall/auth/token.h"

#include <jwt.h>

#include <functional>

#include "tests/support/suite.h"

using namespace videocall;
using namespace std::chrono_literals;

namespace {

const UnixTime kNow{1'800'000'000s};
const SecretKey kKey = SecretKey::generate();

TokenSigner signer() {
  return TokenSigner(kKey, "videocall");
}

TokenClaims some_claims() {
  TokenClaims claims;
  claims.user_id = "alice";
  claims.meeting = "demo";
  claims.audience = "node-1";
  claims.display_name = "Ålice \"A\"";
  claims.origin = "http://localhost:8080";
  claims.role = 1;
  claims.is_host = true;
  return claims;
}

std::string some_token() {
  auto token = signer().issue(some_claims(), kNow);
  ck_assert(token.ok());
  return *token;
}

void assert_refused(const std::string& token, const char* because,
                    UnixTime now = kNow, const char* audience = "node-1",
                    const char* meeting = "demo") {
  const auto verified = signer().verify(token, audience, meeting, now);
  ck_assert_msg(!verified.ok(), "accepted: %s", because);
  ck_assert(verified.error().code == Errc::unauthenticated);
  ck_assert_msg(verified.error().message.find(because) != std::string::npos,
                "refused with '%s', not '%s'", verified.error().message.c_str(),
                because);
  if (token.size() > 20)
    ck_assert(verified.error().message.find(token.substr(0, 20)) ==
              std::string::npos);
}

// A token with the usual claims but for what |change| does to them.
std::string forged(jwt_alg_t algorithm,
                   const std::function<void(jwt_t*)>& change,
                   const SecretKey& key = kKey) {
  jwt_t* jwt = nullptr;
  ck_assert_int_eq(jwt_new(&jwt), 0);
  const long now = kNow.time_since_epoch().count();
  jwt_add_grant(jwt, "iss", "videocall");
  jwt_add_grant(jwt, "sub", "alice");
  jwt_add_grant(jwt, "room", "demo");
  jwt_add_grant(jwt, "aud", "node-1");
  jwt_add_grant(jwt, "jti", "some-id");
  jwt_add_grant(jwt, "display_name", "Alice");
  jwt_add_grant(jwt, "origin", "");
  jwt_add_grant_int(jwt, "role", 2);
  jwt_add_grant_bool(jwt, "is_host", 0);
  jwt_add_grant_int(jwt, "iat", now);
  jwt_add_grant_int(jwt, "exp", now + 60);
  change(jwt);
  const bool with_key = algorithm != JWT_ALG_NONE;
  ck_assert_int_eq(
      jwt_set_alg(jwt, algorithm, with_key ? key.bytes().data() : nullptr,
                  with_key ? static_cast<int>(key.bytes().size()) : 0),
      0);
  char* text = jwt_encode_str(jwt);
  ck_assert_ptr_nonnull(text);
  const std::string token = text;
  free(text);
  jwt_free(jwt);
  return token;
}

void replace_grant(jwt_t* jwt, const char* name, const char* value) {
  jwt_del_grants(jwt, name);
  jwt_add_grant(jwt, name, value);
}

void replace_grant(jwt_t* jwt, const char* name, long value) {
  jwt_del_grants(jwt, name);
  jwt_add_grant_int(jwt, name, value);
}

}  // namespace

VC_TEST(what_was_issued_is_verified_with_all_claims) {
  const auto claims = signer().verify(some_token(), "node-1", "demo", kNow);
  ck_assert(claims.ok());
  ck_assert_str_eq(claims->user_id.c_str(), "alice");
  ck_assert_str_eq(claims->meeting.c_str(), "demo");
  ck_assert_str_eq(claims->audience.c_str(), "node-1");
  ck_assert_str_eq(claims->display_name.c_str(), "Ålice \"A\"");
  ck_assert_str_eq(claims->origin.c_str(), "http://localhost:8080");
  ck_assert_uint_eq(claims->role, 1);
  ck_assert(claims->is_host);
  ck_assert(claims->issued_at == kNow);
  ck_assert(claims->expires_at == kNow + 60s);
  ck_assert_uint_ge(claims->token_id.size(), 22);
}

VC_TEST(each_token_has_an_id_of_its_own) {
  const auto first = signer().verify(some_token(), "node-1", "demo", kNow);
  const auto second = signer().verify(some_token(), "node-1", "demo", kNow);
  ck_assert(first->token_id != second->token_id);
}

VC_TEST(what_is_not_text_cannot_be_claimed) {
  for (const std::string& name :
       {std::string("a\0b", 3), std::string("\xff")}) {
    TokenClaims claims = some_claims();
    claims.display_name = name;
    ck_assert(!signer().issue(claims, kNow).ok());
  }
}

VC_TEST(a_token_lives_sixty_seconds) {
  const std::string token = some_token();
  ck_assert(signer().verify(token, "node-1", "demo", kNow + 59s).ok());
  assert_refused(token, "expired", kNow + 60s);
  assert_refused(token, "expired", kNow + 24h);
}

VC_TEST(a_token_is_for_one_node_and_one_meeting) {
  assert_refused(some_token(), "another node", kNow, "node-2");
  assert_refused(some_token(), "another meeting", kNow, "node-1", "other");
  assert_refused(some_token(), "another meeting", kNow, "node-1", "Demo");
}

VC_TEST(a_token_of_another_key_is_refused) {
  const TokenSigner other(SecretKey::generate(), "videocall");
  assert_refused(*other.issue(some_claims(), kNow), "signature");
}

VC_TEST(a_token_of_another_issuer_is_refused) {
  const TokenSigner other(kKey, "somebody");
  assert_refused(*other.issue(some_claims(), kNow), "another issuer");
}

VC_TEST(no_algorithm_but_hs256_is_accepted) {
  const auto same = [](jwt_t*) {};
  ck_assert(signer()
                .verify(forged(JWT_ALG_HS256, same), "node-1", "demo", kNow)
                .ok());
  assert_refused(forged(JWT_ALG_NONE, same), "signature or form");
  assert_refused(forged(JWT_ALG_HS384, same), "signature or form");
  assert_refused(forged(JWT_ALG_HS512, same), "signature or form");
}

VC_TEST(one_changed_character_is_enough_to_be_refused) {
  const std::string token = some_token();
  for (size_t i = 0; i < token.size(); ++i) {
    // The last characters of a base64 part may differ in bits that are unused.
    if (i + 1 == token.size() || token[i + 1] == '.' || token[i] == '.')
      continue;
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    ck_assert(!signer().verify(changed, "node-1", "demo", kNow).ok());
  }
}

VC_TEST(every_truncation_is_refused) {
  const std::string token = some_token();
  for (size_t size = 0; size < token.size(); ++size)
    ck_assert(
        !signer().verify(token.substr(0, size), "node-1", "demo", kNow).ok());
}

VC_TEST(a_missing_claim_is_refused) {
  for (const char* name : {"iss", "sub", "room", "aud", "jti", "display_name",
                           "origin", "role", "is_host", "iat", "exp"}) {
    const std::string token =
        forged(JWT_ALG_HS256, [&](jwt_t* jwt) { jwt_del_grants(jwt, name); });
    ck_assert_msg(!signer().verify(token, "node-1", "demo", kNow).ok(),
                  "accepted without %s", name);
  }
}

VC_TEST(a_claim_of_the_wrong_type_is_refused) {
  for (const char* name :
       {"sub", "room", "aud", "jti", "display_name", "is_host"}) {
    const std::string token = forged(
        JWT_ALG_HS256, [&](jwt_t* jwt) { replace_grant(jwt, name, 1L); });
    ck_assert_msg(!signer().verify(token, "node-1", "demo", kNow).ok(),
                  "accepted a number as %s", name);
  }
  for (const char* name : {"role", "is_host", "iat", "exp"}) {
    const std::string token = forged(JWT_ALG_HS256, [&](jwt_t* jwt) {
      replace_grant(jwt, name, "1900000000");
    });
    ck_assert_msg(!signer().verify(token, "node-1", "demo", kNow).ok(),
                  "accepted a text as %s", name);
  }
}

VC_TEST(a_token_that_would_live_too_long_is_refused) {
  const long now = kNow.time_since_epoch().count();
  const auto with = [&](const char* name, long value) {
    return forged(JWT_ALG_HS256,
                  [&](jwt_t* jwt) { replace_grant(jwt, name, value); });
  };
  assert_refused(with("exp", now + 3600), "future");
  assert_refused(with("iat", now + 3600), "future");
  assert_refused(with("exp", -1), "expired");
  assert_refused(with("role", -1), "wrong type");
}

VC_TEST(rubbish_is_refused) {
  assert_refused("", "missing");
  assert_refused(std::string(kMaxTokenBytes + 1, 'a'), "too long");
  assert_refused(std::string("a\0b", 3), "not a JWT");
  for (const char* text : {".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30",
                           "eyJhbGciOiJub25lIn0.e30.", "\xff\xfe.\x80.\x80"})
    assert_refused(text, "signature or form");
}

VC_SUITE_MAIN("auth/token")
