// SPDX-License-Identifier: MIT
#include "libvideocall/websocket/upgrade.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "libvideocall/base/base64.h"
#include "libvideocall/wire/limits.h"

namespace videocall::websocket {
namespace {

// RFC 6455, section 1.3.
constexpr std::string_view kAcceptSuffix =
    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr size_t kSha1Bytes = 20;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// The value of the first field |name|, without the blanks around it.
std::optional<std::string_view> field(std::string_view head,
                                      std::string_view name) {
  while (!head.empty()) {
    const size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos ||
        !same_name(line.substr(0, colon), name))
      continue;
    std::string_view value = line.substr(colon + 1);
    const size_t first = std::min(value.find_first_not_of(" \t"), value.size());
    value.remove_prefix(first);
    value.remove_suffix(value.size() - (value.find_last_not_of(" \t") + 1));
    return value;
  }
  return std::nullopt;
}

// Of "HTTP/1.1 101 Switching Protocols"; 0: it is none.
int status_of(std::string_view head) {
  if (!head.starts_with("HTTP/1.") || head.size() < 12 || head[8] != ' ')
    return 0;
  int status = 0;
  const auto [end, error] =
      std::from_chars(head.data() + 9, head.data() + 12, status);
  return error == std::errc() && end == head.data() + 12 && status >= 100
             ? status
             : 0;
}

}  // namespace

std::string accept_of(std::string_view key) {
  const std::string text = std::string(key).append(kAcceptSuffix);
  std::array<uint8_t, kSha1Bytes> digest;
  if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text.data(), text.size(),
                       digest.data()) != 0)
    return {};
  return base64(digest);
}

Upgrade::Upgrade(const Nonce& nonce) : key_(base64(nonce)) {}

std::string Upgrade::request(const quic::MeetingUrl& url,
                             const std::string& client_name) const {
  return "GET " + url.path_and_query + " HTTP/1.1\r\nHost: " + url.authority +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
         key_ + "\r\nUser-Agent: " + client_name + "\r\n\r\n";
}

size_t Upgrade::feed(Bytes bytes) {
  size_t used = 0;
  while (used < bytes.size() && !outcome_.done) {
    const char byte = static_cast<char>(bytes[used++]);
    if (refusal_ != 0) {
      outcome_.reason += byte;
      if (--reason_left_ == 0) finish(refusal_, std::move(outcome_.reason));
      continue;
    }
    head_ += byte;
    if (head_.size() > limits::kMaxHeaderSectionBytes)
      finish(0, "the answer's header is too long");
    else if (byte == '\n' && head_.ends_with(kEndOfHead))
      judge();
  }
  return used;
}

void Upgrade::end() {
  if (outcome_.done) return;
  if (refusal_ != 0)
    finish(refusal_, std::move(outcome_.reason));
  else
    finish(0, "the server closed the connection");
}

void Upgrade::judge() {
  const int status = status_of(head_);
  if (status == 0) {
    finish(0, "the answer is not HTTP");
    return;
  }
  if (status == 101) {
    const auto accept = field(head_, "Sec-WebSocket-Accept");
    if (accept && *accept == accept_of(key_))
      finish(101, "");
    else
      finish(0, "the answer is none to a WebSocket handshake");
    return;
  }
  size_t length = 0;
  if (const auto text = field(head_, "Content-Length"))
    std::from_chars(text->data(), text->data() + text->size(), length);
  if (length == 0 || length > limits::kMaxCloseReasonBytes) {
    finish(status, "");
    return;
  }
  refusal_ = status;
  reason_left_ = length;
}

void Upgrade::finish(int status, std::string reason) {
  while (reason.ends_with('\n')) reason.pop_back();  // it goes into sentences
  outcome_ = {true, status, std::move(reason)};
}

}  // namespace videocall::websocket
