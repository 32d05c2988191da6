// SPDX-License-Identifier: MIT
// Self-signed certificates for tests.
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <ctime>
#include <string>

#include "tests/server/temporary_folder.h"

namespace videocall::testing {

struct CertificateFiles {
  std::string certificate;  // paths of PEM files
  std::string key;
};

// Writes NAME.crt and NAME.key into |folder|: P-256, for 127.0.0.1, one day.
inline CertificateFiles make_certificate(const TemporaryFolder& folder,
                                         const std::string& name) {
  gnutls_x509_privkey_t key = nullptr;
  gnutls_x509_crt_t certificate = nullptr;
  gnutls_x509_privkey_init(&key);
  gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                               GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                               0);
  gnutls_x509_crt_init(&certificate);
  gnutls_x509_crt_set_version(certificate, 3);
  const unsigned char serial[] = {1};
  gnutls_x509_crt_set_serial(certificate, serial, sizeof serial);
  const time_t now = std::time(nullptr);
  gnutls_x509_crt_set_activation_time(certificate, now - 60);
  gnutls_x509_crt_set_expiration_time(certificate, now + 24 * 3600);
  gnutls_x509_crt_set_dn(certificate, "CN=videocall test", nullptr);
  const unsigned char loopback[] = {127, 0, 0, 1};
  gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS,
                                       loopback, sizeof loopback, 0);
  gnutls_x509_crt_set_key(certificate, key);
  ck_assert_int_eq(gnutls_x509_crt_sign2(certificate, certificate, key,
                                         GNUTLS_DIG_SHA256, 0),
                   0);
  gnutls_datum_t pem = {};
  CertificateFiles files;
  gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem);
  files.certificate = folder.write(
      name + ".crt", std::string(reinterpret_cast<char*>(pem.data), pem.size));
  gnutls_free(pem.data);
  gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, nullptr,
                                    GNUTLS_PKCS_PLAIN, &pem);
  files.key = folder.write(
      name + ".key", std::string(reinterpret_cast<char*>(pem.data), pem.size));
  gnutls_free(pem.data);
  gnutls_x509_crt_deinit(certificate);
  gnutls_x509_privkey_deinit(key);
  return files;
}

}  // namespace videocall::testing
