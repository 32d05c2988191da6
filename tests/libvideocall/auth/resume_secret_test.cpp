// SPDX-License-Identifier: MIT
#include "libvideocall/auth/resume_secret.h"

#include "libvideocall/wire/limits.h"
#include "tests/support/suite.h"

using namespace videocall;
using videocall::auth::ResumeSecrets;

namespace {

constexpr uint64_t kNow = 1'700'000'000'000;
constexpr uint64_t kLifeMs =
    std::chrono::milliseconds(limits::kResumeSecretLife).count();

ResumeSecrets::Key key_of(uint8_t fill) {
  ResumeSecrets::Key key;
  key.fill(fill);
  return key;
}

}  // namespace

VC_TEST(any_node_with_the_key_verifies_it) {
  const std::string secret =
      ResumeSecrets(key_of(1)).issue("demo", "anna", 42, kNow);
  const auto session =
      ResumeSecrets(key_of(1)).verify("demo", "anna", secret, kNow + 5000);
  ck_assert(session.ok());
  ck_assert_uint_eq(session.value(), 42);
}

VC_TEST(it_is_for_one_person_meeting_and_key) {
  const ResumeSecrets secrets(key_of(1));
  const std::string secret = secrets.issue("demo", "anna", 42, kNow);
  ck_assert(!secrets.verify("demo", "bert", secret, kNow).ok());
  ck_assert(!secrets.verify("other", "anna", secret, kNow).ok());
  ck_assert(!secrets.verify("demoa", "nna", secret, kNow).ok());
  ck_assert(
      !ResumeSecrets(key_of(2)).verify("demo", "anna", secret, kNow).ok());
}

VC_TEST(every_changed_bit_is_noticed) {
  const ResumeSecrets secrets(key_of(1));
  const std::string secret = secrets.issue("demo", "anna", 42, kNow);
  for (size_t bit = 0; bit < secret.size() * 8; ++bit) {
    std::string changed = secret;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    ck_assert(!secrets.verify("demo", "anna", changed, kNow).ok());
  }
  for (size_t size = 0; size < secret.size(); ++size)
    ck_assert(
        !secrets.verify("demo", "anna", secret.substr(0, size), kNow).ok());
  ck_assert(!secrets.verify("demo", "anna", secret + "x", kNow).ok());
}

VC_TEST(it_expires) {
  const ResumeSecrets secrets(key_of(1));
  const std::string secret = secrets.issue("demo", "anna", 42, kNow);
  ck_assert(secrets.verify("demo", "anna", secret, kNow + kLifeMs - 1).ok());
  ck_assert(!secrets.verify("demo", "anna", secret, kNow + kLifeMs).ok());
}

VC_TEST(no_two_are_equal) {
  const ResumeSecrets secrets(key_of(1));
  ck_assert(secrets.issue("demo", "anna", 42, kNow) !=
            secrets.issue("demo", "anna", 42, kNow));
  ck_assert(ResumeSecrets::random_key() != ResumeSecrets::random_key());
}

VC_TEST(a_key_is_64_hexadecimal_digits) {
  const std::string hex(64, 'a');
  const auto key = ResumeSecrets::parse_key(hex);
  ck_assert(key.ok());
  ck_assert(key.value() == key_of(0xaa));
  ck_assert(!ResumeSecrets::parse_key(hex.substr(1)).ok());
  ck_assert(!ResumeSecrets::parse_key(hex.substr(1) + "g").ok());
  ck_assert(!ResumeSecrets::parse_key("").ok());
}

VC_SUITE_MAIN("auth/resume_secret")
