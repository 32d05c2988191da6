// SPDX-License-Identifier: MIT
#include "libvideocall/quic/certificate.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>

#include "libvideocall/base/base64.h"

namespace videocall::quic {
namespace {

Error tls_error(const char* what, int code) {
  return {Errc::tls, std::string(what) + ": " + gnutls_strerror(code)};
}

struct KeyDeleter {
  void operator()(gnutls_x509_privkey_t key) const {
    gnutls_x509_privkey_deinit(key);
  }
};
struct CertificateDeleter {
  void operator()(gnutls_x509_crt_t crt) const { gnutls_x509_crt_deinit(crt); }
};
using Key =
    std::unique_ptr<std::remove_pointer_t<gnutls_x509_privkey_t>, KeyDeleter>;
using Certificate = std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>,
                                    CertificateDeleter>;

Key make_key() {
  gnutls_x509_privkey_t key = nullptr;
  return Key(gnutls_x509_privkey_init(&key) == 0 ? key : nullptr);
}

Certificate make_certificate() {
  gnutls_x509_crt_t crt = nullptr;
  return Certificate(gnutls_x509_crt_init(&crt) == 0 ? crt : nullptr);
}

std::shared_ptr<Credentials> make_credentials() {
  auto credentials = std::make_shared<Credentials>();
  if (gnutls_certificate_allocate_credentials(&credentials->handle) != 0)
    return nullptr;
  return credentials;
}

// 63 random bits: a positive serial number.
int set_serial(gnutls_x509_crt_t crt) {
  std::array<uint8_t, 8> serial;
  if (int rv = gnutls_rnd(GNUTLS_RND_NONCE, serial.data(), serial.size()))
    return rv;
  serial[0] = static_cast<uint8_t>((serial[0] & 0x7f) | 0x01);
  return gnutls_x509_crt_set_serial(crt, serial.data(), serial.size());
}

int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, WallTime now) {
  using Clock = std::chrono::system_clock;
  const WallTime start = now - kGeneratedBackdate;
  const char* error = nullptr;
  const std::pair<const char*, int> steps[] = {
      {"version", gnutls_x509_crt_set_version(crt, 3)},
      {"serial", set_serial(crt)},
      {"start",
       gnutls_x509_crt_set_activation_time(crt, Clock::to_time_t(start))},
      {"end", gnutls_x509_crt_set_expiration_time(
                  crt, Clock::to_time_t(start + kGeneratedValidity))},
      {"name", gnutls_x509_crt_set_dn(crt, "CN=videocall", &error)},
      {"names", gnutls_x509_crt_set_subject_alt_name(
                    crt, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_SET)},
      {"usage",
       gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE)},
      {"key", gnutls_x509_crt_set_key(crt, key)},
      {"signature", gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0)},
  };
  for (const auto& [step, code] : steps)
    if (code != 0) return code;
  return 0;
}

Result<std::string> hash_of(gnutls_x509_crt_t crt) {
  gnutls_datum_t der = {};
  if (int rv = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der))
    return tls_error("cannot export the certificate", rv);
  std::string hash = certificate_hash(der);
  gnutls_free(der.data);
  return hash;
}

}  // namespace

std::string certificate_hash(const gnutls_datum_t& der) {
  std::array<uint8_t, 32> digest;
  if (gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, digest.data()))
    return {};
  return base64(digest);
}

Result<std::shared_ptr<const Credentials>> generate_credentials(WallTime now) {
  const Key key = make_key();
  const Certificate crt = make_certificate();
  const auto credentials = make_credentials();
  if (!key || !crt || !credentials)
    return Error{Errc::internal, "no memory for a certificate"};
  if (int rv = gnutls_x509_privkey_generate(
          key.get(), GNUTLS_PK_ECDSA,
          GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0))
    return tls_error("cannot generate a key", rv);
  if (int rv = fill(crt.get(), key.get(), now))
    return tls_error("cannot generate a certificate", rv);
  gnutls_x509_crt_t chain[] = {crt.get()};
  if (int rv = gnutls_certificate_set_x509_key(credentials->handle, chain, 1,
                                               key.get());
      rv < 0)
    return tls_error("cannot use the generated certificate", rv);
  auto hash = hash_of(crt.get());
  if (!hash) return hash.error();
  credentials->hash = *hash;
  credentials->born = now;
  return std::shared_ptr<const Credentials>(credentials);
}

Result<std::shared_ptr<const Credentials>> load_credentials(
    const std::string& certificate_file, const std::string& key_file) {
  const auto credentials = make_credentials();
  if (!credentials) return Error{Errc::internal, "no memory for a certificate"};
  const int index = gnutls_certificate_set_x509_key_file(
      credentials->handle, certificate_file.c_str(), key_file.c_str(),
      GNUTLS_X509_FMT_PEM);
  if (index < 0) {
    const std::string what = "cannot use the certificate " + certificate_file +
                             " with the key " + key_file;
    return tls_error(what.c_str(), index);
  }
  gnutls_x509_crt_t* chain = nullptr;
  unsigned size = 0;
  if (int rv = gnutls_certificate_get_x509_crt(
          credentials->handle, static_cast<unsigned>(index), &chain, &size))
    return tls_error("cannot read the certificate back", rv);
  Result<std::string> hash =
      size > 0 ? hash_of(chain[0]) : Error{Errc::tls, "no certificate"};
  for (unsigned i = 0; i < size; ++i) gnutls_x509_crt_deinit(chain[i]);
  gnutls_free(chain);
  if (!hash) return hash.error();
  credentials->hash = *hash;
  return std::shared_ptr<const Credentials>(credentials);
}

Result<void> check_pinned(const gnutls_datum_t& der,
                          const std::vector<std::string>& hashes,
                          WallTime now) {
  using Clock = std::chrono::system_clock;
  const std::string hash = certificate_hash(der);
  if (hash.empty() ||
      std::find(hashes.begin(), hashes.end(), hash) == hashes.end())
    return Error{Errc::tls,
                 "the server's certificate is none of those that were named "
                 "by hash"};
  const Certificate crt = make_certificate();
  if (!crt) return Error{Errc::internal, "no memory for a certificate"};
  if (int rv = gnutls_x509_crt_import(crt.get(), &der, GNUTLS_X509_FMT_DER))
    return tls_error("the server's certificate cannot be read", rv);
  gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
  unsigned bits = 0;
  if (gnutls_x509_crt_get_pk_algorithm(crt.get(), &bits) != GNUTLS_PK_ECDSA ||
      gnutls_x509_crt_get_pk_ecc_raw(crt.get(), &curve, nullptr, nullptr) ||
      curve != GNUTLS_ECC_CURVE_SECP256R1)
    return Error{Errc::tls,
                 "a certificate named by hash must have an ECDSA P-256 key"};
  const time_t start = gnutls_x509_crt_get_activation_time(crt.get());
  const time_t end = gnutls_x509_crt_get_expiration_time(crt.get());
  const time_t today = Clock::to_time_t(now);
  if (today < start || today > end)
    return Error{Errc::tls, "the server's certificate is not valid today"};
  if (std::chrono::seconds(end - start) > kMaxPinnedValidity)
    return Error{Errc::tls,
                 "a certificate named by hash may be valid for 14 days at "
                 "most"};
  return {};
}

}  // namespace videocall::quic
