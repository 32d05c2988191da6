// SPDX-License-Identifier: MIT
// Any bytes as a pipeline description: refused with file and line, or a
// description whose settings and launch text can be made without a surprise.
#include <cstdint>
#include <string>
#include <string_view>

#include "pipelines/description.h"
#include "pipelines/launch.h"
#include "pipelines/settings.h"
#include "pipelines/value.h"
#include "tests/fuzz/check.h"

using namespace videocall;
using namespace videocall::pipelines;

namespace {

// What comes first in the bytes also serves as a person's value.
void set_everything(const Description& description, std::string_view value) {
  Settings settings(description);
  for (const std::string& name : description.setting_names()) {
    const auto set = settings.set(name, value);
    FUZZ_CHECK(set.ok() || !set.error().message.empty());
  }
  const auto complete = settings.complete();
  FUZZ_CHECK(complete.ok() || !complete.error().message.empty());
}

void expand_defaults(const Description& description) {
  const Settings settings(description);
  const auto selection = settings.selection();
  FUZZ_CHECK(selection.ok());
  Counts counts;
  for (const Fragment& fragment : description.fragments)
    if (!fragment.repeat.empty()) counts[fragment.name] = 2;
  const auto text = expand(description, *selection, counts);
  if (!text) {
    FUZZ_CHECK(text.error().message.starts_with("x.toml"));
    return;
  }
  // Every placeholder was one that the schema knows.
  for (const std::string& word : placeholders(*text))
    FUZZ_CHECK(!description.find_choice(word) &&
               !description.find_fragment(word));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto description = Description::parse(text, "x.toml");
  if (!description) {
    FUZZ_CHECK(description.error().message.starts_with("x.toml"));
    return 0;
  }
  set_everything(*description, text.substr(0, 12));
  expand_defaults(*description);
  return 0;
}
