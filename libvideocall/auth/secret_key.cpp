// SPDX-License-Identifier: MIT
#include "libvideocall/auth/secret_key.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "libvideocall/base/base64.h"
#include "libvideocall/base/unique_fd.h"

namespace videocall {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

// A generator that cannot give random bytes leaves nothing safe to do.
void fill_random(std::span<uint8_t> out) {
  if (gnutls_rnd(GNUTLS_RND_KEY, out.data(), out.size()) != 0) std::abort();
}

Error system_error(const std::string& what, const std::string& path) {
  const int cause = errno;
  return Error{cause == ENOENT ? Errc::not_found : Errc::io,
               what + " " + path + ": " + std::strerror(cause) +
                   (cause == ENOSPC ? "; the disk is full: make room" : "")};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<SecretKey> load(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error("cannot read the key", path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    return system_error("cannot read the key", path);
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{Errc::permission, "others may read the key " + path +
                                       "; run: chmod 600 " + path};
  char text[2 * kSecretKeyBytes + 2] = {};
  const ssize_t got = ::read(fd.get(), text, sizeof text);
  if (got < 0) return system_error("cannot read the key", path);
  std::string_view hex(text, static_cast<size_t>(got));
  if (hex.ends_with('\n')) hex.remove_suffix(1);
  auto key = SecretKey::from_hex(hex);
  if (!key)
    return Error{Errc::invalid_argument,
                 path +
                     " does not hold a key (64 hex digits); restore it, or "
                     "remove it to have a new one made"};
  return key;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return true;
}

// link() makes the complete file appear at once and fails where rename() would
// replace a key that another process has just made.
Result<void> create(const std::string& path) {
  std::string temporary = path + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return system_error("cannot create the key", path);
  const bool linked =
      write_all(fd.get(), SecretKey::generate().hex() + "\n") &&
      ::fsync(fd.get()) == 0 &&
      (::link(temporary.c_str(), path.c_str()) == 0 || errno == EEXIST);
  Result<void> result;
  if (!linked) result = system_error("cannot create the key", path);
  ::unlink(temporary.c_str());
  return result;
}

}  // namespace

SecretKey SecretKey::generate() {
  SecretKey key;
  fill_random(key.bytes_);
  return key;
}

Result<SecretKey> SecretKey::from_hex(std::string_view hex) {
  if (hex.size() != 2 * kSecretKeyBytes)
    return Error{Errc::invalid_argument, "a key is 64 hex digits"};
  SecretKey key;
  for (size_t i = 0; i < kSecretKeyBytes; ++i) {
    const int high = hex_value(hex[2 * i]);
    const int low = hex_value(hex[2 * i + 1]);
    if (high < 0 || low < 0)
      return Error{Errc::invalid_argument, "a key is 64 hex digits"};
    key.bytes_[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return key;
}

Result<SecretKey> SecretKey::load_or_create(const std::string& path) {
  auto loaded = load(path);
  if (loaded || loaded.error().code != Errc::not_found) return loaded;
  if (auto created = create(path); !created) return created.error();
  return load(path);
}

std::string SecretKey::hex() const {
  std::string text;
  text.reserve(2 * kSecretKeyBytes);
  for (const uint8_t byte : bytes_) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

std::string random_base64url(size_t count) {
  std::vector<uint8_t> bytes(count);
  fill_random(bytes);
  return base64url(bytes);
}

}  // namespace videocall
