// SPDX-License-Identifier: MIT
// The outcome of a call that can fail: a value, or an Error with its cause.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace videocall {

enum class Errc {
  invalid_argument,  // the caller's value is out of its documented range
  protocol,          // the peer broke the wire contract
  limit,             // a named limit was reached
  closed,            // the stream, session or connection has ended
  would_block,       // no credit or room now; try again later
  timeout,           // nothing came in time
  unauthenticated,   // token missing, bad, spent or expired
  permission,        // known, but not allowed
  not_found,         // no such meeting, file, element or host
  unavailable,       // the peer is there but cannot serve now
  address_in_use,    // another process holds the port
  tls,               // certificate or handshake
  io,                // a system call failed
  internal,          // a bug or an exhausted resource
};

struct Error {
  Errc code = Errc::internal;
  // One sentence for a person: the cause, and what to do where it is known.
  std::string message;
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool ok() const { return state_.index() == 0; }

  T& value() & {
    assert(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    assert(ok());
    return std::get<0>(std::move(state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const Error& error() const {
    assert(!ok());
    return std::get<1>(state_);
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)), failed_(true) {}

  explicit operator bool() const { return !failed_; }
  bool ok() const { return !failed_; }
  const Error& error() const {
    assert(failed_);
    return error_;
  }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace videocall
