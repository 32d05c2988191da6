// SPDX-License-Identifier: MIT
// Any bytes as a configuration file and as the value of each key: refused with
// a reason, or printed and read back the same.
#include <cstdint>
#include <string>

#include "server/configuration_sources.h"
#include "tests/fuzz/check.h"

using namespace videocall;
using namespace videocall::server;

namespace {

void print_and_read_back(const Configuration& configuration) {
  Configuration back = default_configuration();
  const auto applied =
      apply_toml(back, print_configuration(configuration), "x.toml");
  FUZZ_CHECK(applied.ok());
  FUZZ_CHECK(back == configuration);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  Configuration configuration = default_configuration();
  const auto applied = apply_toml(configuration, text, "x.toml");
  FUZZ_CHECK(applied.ok() || applied.error().message.starts_with("x.toml:"));
  const auto checked = check_configuration(configuration);
  FUZZ_CHECK(checked.ok() || !checked.error().message.empty());
  if (applied) print_and_read_back(configuration);

  for (const Section& section : configuration_sections())
    for (const Key& key : section.keys) {
      Configuration one = default_configuration();
      if (set_value(one, key, {text})) (void)check_configuration(one);
    }
  (void)nearest_key(text);
  return 0;
}
