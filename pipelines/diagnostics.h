// SPDX-License-Identifier: MIT
// What is wrong with a description: every fault with its line, so that one
// look at the file mends them all.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libvideocall/base/result.h"

namespace videocall::pipelines {

class Diagnostics {
 public:
  explicit Diagnostics(std::string file) : file_(std::move(file)) {}

  // |line| counts from 1; 0 means the file as a whole.
  void add(uint32_t line, std::string reason);
  [[nodiscard]] bool empty() const { return faults_.empty(); }
  [[nodiscard]] const std::string& file() const { return file_; }

  // "FILE:LINE: reason", one per line, in the file's order. At most 20.
  [[nodiscard]] Error error() const;

 private:
  struct Fault {
    uint32_t line;
    std::string reason;
  };
  std::string file_;
  std::vector<Fault> faults_;
};

// One fault as an error.
[[nodiscard]] Error fault_at(const std::string& file, uint32_t line,
                             const std::string& reason,
                             Errc code = Errc::invalid_argument);

}  // namespace videocall::pipelines
