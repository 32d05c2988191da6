// SPDX-License-Identifier: MIT
// Accepts TCP connections for the HTTP server. libsoup could, but 3.2 then
// keeps some memory of each connection for good, and stops listening for good
// when one accept() fails, as it does when no file may be opened. Main thread
// only.
#pragma once

#include <gio/gio.h>

#include <functional>
#include <memory>

#include "libvideocall/base/result.h"
#include "server/listen_address.h"

namespace videocall::server {

class HttpListener {
 public:
  // Takes a connection; |socket| is borrowed.
  using Accepted = std::function<void(GSocket* socket)>;

  // |key| is what names |address|, for messages. Errors: address_in_use;
  // not_found: the machine lacks the address family;
  // io. Each says what to do.
  static Result<std::unique_ptr<HttpListener>> open(
      const ListenAddress& address, const char* key, Accepted accepted);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  // What was bound, with its real port.
  const ListenAddress& address() const { return address_; }

 private:
  HttpListener(ListenAddress address, Accepted accepted)
      : address_(std::move(address)), accepted_(std::move(accepted)) {}
  void watch();
  void rest();
  void accept_all();

  ListenAddress address_;
  const Accepted accepted_;
  GSocket* socket_ = nullptr;
  guint source_ = 0;  // watches the socket, or the rest after a failure
};

}  // namespace videocall::server
