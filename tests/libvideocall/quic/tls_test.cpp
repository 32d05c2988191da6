// SPDX-License-Identifier: MIT
#include "libvideocall/quic/tls.h"

#include <gnutls/x509.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/libvideocall/quic/simulation.h"
#include "tests/support/suite.h"

using namespace videocall;
using namespace videocall::quic;
using namespace videocall::quic::testing;

namespace {

using std::chrono::hours;
using std::chrono::system_clock;

constexpr auto kDay = hours(24);

// A directory of its own, gone at the end.
class Files {
 public:
  Files() {
    std::string name = "/tmp/videocall-tls-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(name.data()));
    directory_ = name;
  }
  ~Files() {
    for (const char* name : {"crt.pem", "key.pem", "keys.log", "ca.pem"})
      std::remove(path(name).c_str());
    rmdir(directory_.c_str());
  }
  std::string path(const std::string& name) const {
    return directory_ + "/" + name;
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::trunc) << text;
  }
  std::string read(const std::string& name) const {
    std::stringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }

 private:
  std::string directory_;
};

struct Made {
  std::string certificate, key;  // PEM
  std::string der;
  gnutls_datum_t datum() const {
    return {reinterpret_cast<uint8_t*>(const_cast<char*>(der.data())),
            static_cast<unsigned>(der.size())};
  }
};

struct Wanted {
  gnutls_pk_algorithm_t algorithm = GNUTLS_PK_ECDSA;
  unsigned bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1);
  WallTime start = system_clock::now() - hours(1);
  hours validity = 10 * kDay;
  const char* name = "localhost";
};

std::string take(gnutls_datum_t datum) {
  std::string text(reinterpret_cast<char*>(datum.data), datum.size);
  gnutls_free(datum.data);
  return text;
}

// A self-signed certificate authority that is its own server.
Made make_certificate(const Wanted& wanted = {}) {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;
  gnutls_x509_privkey_init(&key);
  gnutls_x509_crt_init(&crt);
  ck_assert_int_eq(
      gnutls_x509_privkey_generate(key, wanted.algorithm, wanted.bits, 0), 0);
  gnutls_x509_crt_set_version(crt, 3);
  gnutls_x509_crt_set_serial(crt, "\x01\x02", 2);
  gnutls_x509_crt_set_activation_time(crt,
                                      system_clock::to_time_t(wanted.start));
  gnutls_x509_crt_set_expiration_time(
      crt, system_clock::to_time_t(wanted.start + wanted.validity));
  gnutls_x509_crt_set_dn(crt, "CN=test", nullptr);
  gnutls_x509_crt_set_ca_status(crt, 1);
  gnutls_x509_crt_set_subject_alt_name(
      crt, GNUTLS_SAN_DNSNAME, wanted.name,
      static_cast<unsigned>(std::strlen(wanted.name)), GNUTLS_FSAN_SET);
  gnutls_x509_crt_set_key(crt, key);
  ck_assert_int_eq(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0),
                   0);
  Made made;
  gnutls_datum_t out;
  ck_assert_int_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out), 0);
  made.certificate = take(out);
  ck_assert_int_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &out), 0);
  made.der = take(out);
  ck_assert_int_eq(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out),
                   0);
  made.key = take(out);
  gnutls_x509_crt_deinit(crt);
  gnutls_x509_privkey_deinit(key);
  return made;
}

std::shared_ptr<TlsContext> client_context(const TlsClientConfig& config) {
  auto made = TlsContext::create_client(config);
  ck_assert_msg(made.ok(), "%s", made ? "" : made.error().message.c_str());
  return *made;
}

// Serves |made| to a client that is configured by |config|.
struct Handshake {
  Files files;
  Simulation sim;

  Handshake(const Made& made, const TlsClientConfig& config) {
    files.write("crt.pem", made.certificate);
    files.write("key.pem", made.key);
    auto tls = TlsContext::create_server(
        {files.path("crt.pem"), files.path("key.pem"), {}},
        system_clock::now());
    ck_assert(tls.ok());
    sim.server_config.tls = *tls;
    sim.client_config.tls = client_context(config);
  }
  std::string refusal() {
    ck_assert(sim.connect());
    ck_assert(sim.run_until([&] {
      return sim.client.peer.refused_status == 0 || sim.established();
    }));
    ck_assert_msg(!sim.client.peer.established, "it was accepted");
    return sim.client.peer.refused_reason;
  }
};

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

VC_TEST(a_generated_certificate_is_what_browsers_take) {
  const WallTime now = system_clock::now();
  auto credentials = generate_credentials(now);
  ck_assert(credentials.ok());
  gnutls_x509_crt_t* chain;
  unsigned size;
  ck_assert_int_eq(
      gnutls_certificate_get_x509_crt((*credentials)->handle, 0, &chain, &size),
      0);
  ck_assert_uint_eq(size, 1);
  gnutls_datum_t out;
  ck_assert_int_eq(gnutls_x509_crt_export2(chain[0], GNUTLS_X509_FMT_DER, &out),
                   0);
  ck_assert_int_eq(gnutls_x509_crt_get_version(chain[0]), 3);
  ck_assert(certificate_hash(out) == (*credentials)->hash);
  ck_assert_uint_eq((*credentials)->hash.size(), 44);
  const std::vector<std::string> hashes = {"nonsense", (*credentials)->hash};
  ck_assert(check_pinned(out, hashes, now).ok());
  // Good for clocks that are a little behind, and for as long as it is used.
  ck_assert(check_pinned(out, hashes, now - hours(1)).ok());
  ck_assert(check_pinned(out, hashes, now + 12 * kDay).ok());
  ck_assert(!check_pinned(out, hashes, now + 14 * kDay).ok());
  const auto life = gnutls_x509_crt_get_expiration_time(chain[0]) -
                    gnutls_x509_crt_get_activation_time(chain[0]);
  ck_assert_int_le(life, 13 * 24 * 3600);
  gnutls_free(out.data);
  gnutls_x509_crt_deinit(chain[0]);
  gnutls_free(chain);
}

VC_TEST(certificates_are_renewed_before_they_end) {
  const WallTime start = system_clock::now();
  auto tls = TlsContext::create_server({}, start);
  ck_assert(tls.ok());
  TlsContext& context = **tls;
  WallTime now = start;
  std::map<std::string, WallTime> published;
  std::string used = context.certificate_hashes().at(0);
  WallTime used_since = now;
  published[used] = now;
  size_t renewals = 0;
  for (int call = 0; call < 40; ++call) {
    auto due = context.renew(now);
    ck_assert(due.ok());
    ck_assert(*due > now);
    const auto hashes = context.certificate_hashes();
    ck_assert_uint_ge(hashes.size(), 1);
    ck_assert_uint_le(hashes.size(), 2);
    for (const auto& hash : hashes) published.try_emplace(hash, now);
    if (hashes[0] != used) {
      // It was named for a day before.
      ck_assert(now - published[hashes[0]] >= kDay);
      used = hashes[0];
      used_since = now;
      ++renewals;
    }
    ck_assert(now - published[used] < 12 * kDay);
    ck_assert(now - used_since < 11 * kDay);
    now = *due;
  }
  ck_assert_uint_ge(renewals, 10);
}

VC_TEST(a_certificate_that_ended_in_sleep_is_replaced_at_once) {
  const WallTime start = system_clock::now();
  auto tls = TlsContext::create_server({}, start);
  ck_assert(tls.ok());
  const std::string old = (*tls)->certificate_hashes().at(0);
  ck_assert((*tls)->renew(start + 60 * kDay).ok());
  const auto hashes = (*tls)->certificate_hashes();
  ck_assert_uint_eq(hashes.size(), 1);
  ck_assert(hashes[0] != old);
}

VC_TEST(a_renewed_certificate_serves_those_who_know_its_hash) {
  Simulation sim;
  const auto before = sim.server_config.tls->certificate_hashes();
  const WallTime now = system_clock::now();
  ck_assert(sim.server_config.tls->renew(now + 9 * kDay + hours(1)).ok());
  const auto published = sim.server_config.tls->certificate_hashes();
  ck_assert_uint_eq(published.size(), 2);
  ck_assert(published[0] == before[0]);
  ck_assert(sim.server_config.tls->renew(now + 10 * kDay + hours(2)).ok());
  TlsClientConfig config;
  config.certificate_hashes = published;
  config.wall_clock = [now] { return now + 11 * kDay; };
  sim.client_config.tls = client_context(config);
  ck_assert(sim.establish());
}

VC_TEST(an_unknown_hash_is_refused) {
  Simulation sim;
  TlsClientConfig config;
  config.certificate_hashes = {std::string(43, 'A') + "="};
  sim.client_config.tls = client_context(config);
  ck_assert(sim.connect());
  ck_assert(sim.run_until([&] { return sim.client.peer.refused_status == 0; }));
  ck_assert(contains(sim.client.peer.refused_reason, "by hash"));
  ck_assert_uint_eq(sim.server.requests.size(), 0);
  ck_assert(sim.run_until([&] { return sim.server.connection->finished(); }));
}

VC_TEST(a_pinned_certificate_must_be_as_browsers_demand) {
  const auto judge = [](const Wanted& wanted) {
    const Made made = make_certificate(wanted);
    TlsClientConfig config;
    config.certificate_hashes = {certificate_hash(made.datum())};
    return Handshake(made, config).refusal();
  };
  Wanted rsa;
  rsa.algorithm = GNUTLS_PK_RSA;
  rsa.bits = 2'048;
  ck_assert(contains(judge(rsa), "P-256"));
  Wanted p384;
  p384.bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1);
  ck_assert(contains(judge(p384), "P-256"));
  Wanted long_lived;
  long_lived.validity = 15 * kDay;
  ck_assert(contains(judge(long_lived), "14 days"));
  Wanted over;
  over.start = system_clock::now() - 11 * kDay;
  ck_assert(contains(judge(over), "not valid today"));
  Wanted future;
  future.start = system_clock::now() + 2 * kDay;
  ck_assert(contains(judge(future), "not valid today"));
}

VC_TEST(a_pinned_certificate_of_exactly_14_days_is_taken) {
  Wanted wanted;
  wanted.validity = 14 * kDay;
  const Made made = make_certificate(wanted);
  TlsClientConfig config;
  config.certificate_hashes = {certificate_hash(made.datum())};
  Handshake handshake(made, config);
  ck_assert(handshake.sim.establish());
}

VC_TEST(an_authority_and_a_name_are_verified) {
  const Made made = make_certificate();
  Files files;
  files.write("ca.pem", made.certificate);
  TlsClientConfig config;
  config.ca_file = files.path("ca.pem");
  Handshake good(made, config);
  ck_assert(good.sim.establish());
  Handshake other_name(made, config);
  other_name.sim.server_name = "example.org";
  ck_assert(contains(other_name.refusal(), "name"));
  Handshake other_authority(make_certificate(), config);
  ck_assert(contains(other_authority.refusal(), "not trusted"));
  Handshake system_authorities(made, {});
  ck_assert(contains(system_authorities.refusal(), "not trusted"));
}

VC_TEST(insecure_takes_anything) {
  Wanted over;
  over.start = system_clock::now() - 100 * kDay;
  TlsClientConfig config;
  config.insecure_skip_verify = true;
  Handshake handshake(make_certificate(over), config);
  ck_assert(handshake.sim.establish());
}

VC_TEST(files_are_read_again_and_kept_on_failure) {
  const Made first = make_certificate();
  const Made second = make_certificate();
  Files files;
  files.write("crt.pem", first.certificate);
  files.write("key.pem", first.key);
  auto tls = TlsContext::create_server(
      {files.path("crt.pem"), files.path("key.pem"), {}}, system_clock::now());
  ck_assert(tls.ok());
  const auto hash = [&] { return (*tls)->certificate_hashes().at(0); };
  ck_assert(hash() == certificate_hash(first.datum()));
  // Half of a renewal: the key does not fit.
  files.write("crt.pem", second.certificate);
  ck_assert(!(*tls)->reload().ok());
  ck_assert(hash() == certificate_hash(first.datum()));
  files.write("crt.pem", "nonsense");
  ck_assert(!(*tls)->reload().ok());
  files.write("crt.pem", second.certificate);
  files.write("key.pem", second.key);
  ck_assert((*tls)->reload().ok());
  ck_assert(hash() == certificate_hash(second.datum()));
  // Nothing renews what an operator keeps.
  auto due = (*tls)->renew(system_clock::now() + 100 * kDay);
  ck_assert(due.ok() && *due == WallTime::max());
}

VC_TEST(wrong_files_are_named) {
  Files files;
  auto missing = TlsContext::create_server(
      {files.path("none.pem"), files.path("key.pem"), {}}, system_clock::now());
  ck_assert(!missing.ok());
  ck_assert(contains(missing.error().message, "none.pem"));
  auto half = TlsContext::create_server({files.path("crt.pem"), {}, {}},
                                        system_clock::now());
  ck_assert(!half.ok());
  ck_assert(half.error().code == Errc::invalid_argument);
}

VC_TEST(secrets_are_logged_on_demand) {
  Files files;
  Simulation sim;
  TlsClientConfig config;
  config.insecure_skip_verify = true;
  config.keylog_file = files.path("keys.log");
  sim.client_config.tls = client_context(config);
  ck_assert(sim.establish());
  const std::string log = files.read("keys.log");
  for (const char* label :
       {"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "SERVER_HANDSHAKE_TRAFFIC_SECRET ",
        "CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "}) {
    const size_t at = log.find(label);
    ck_assert_msg(at != std::string::npos, "%s", label);
    // | label | random, 64 digits | blank | secret, 64 or 96 digits |
    const size_t end = log.find('\n', at);
    const size_t digits = end - at - std::strlen(label);
    ck_assert(digits == 129 || digits == 161);
  }
}

VC_TEST(a_connection_keeps_the_credentials_it_began_with) {
  Simulation sim;
  const WallTime now = system_clock::now();
  ck_assert(sim.connect());
  ck_assert(sim.run_until([&] { return sim.server.connection != nullptr; }));
  ck_assert(sim.server_config.tls->renew(now + 60 * kDay).ok());
  sim.server_config.tls.reset();
  ck_assert(sim.run_until([&] { return sim.established(); }));
}

VC_SUITE_MAIN("quic/tls")
