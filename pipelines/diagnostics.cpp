// SPDX-License-Identifier: MIT
#include "pipelines/diagnostics.h"

#include <algorithm>

namespace videocall::pipelines {
namespace {
constexpr size_t kMaxReported = 20;

std::string format(const std::string& file, uint32_t line,
                   const std::string& reason) {
  std::string text = file;
  if (line > 0) text += ":" + std::to_string(line);
  return text + ": " + reason;
}
}  // namespace

void Diagnostics::add(uint32_t line, std::string reason) {
  faults_.push_back({line, std::move(reason)});
}

Error Diagnostics::error() const {
  std::vector<Fault> sorted = faults_;
  std::stable_sort(
      sorted.begin(), sorted.end(),
      [](const Fault& a, const Fault& b) { return a.line < b.line; });
  std::string text;
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i == kMaxReported) {
      text += "\n… and " + std::to_string(sorted.size() - i) + " more";
      break;
    }
    if (i > 0) text += "\n";
    text += format(file_, sorted[i].line, sorted[i].reason);
  }
  return {Errc::invalid_argument, text};
}

Error fault_at(const std::string& file, uint32_t line,
               const std::string& reason, Errc code) {
  return {code, format(file, line, reason)};
}

}  // namespace videocall::pipelines
