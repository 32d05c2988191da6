// SPDX-License-Identifier: MIT
// gst_parse_launch with errors that say what would be right.
#pragma once

#include <gst/gst.h>

#include <string>

#include "libvideocall/base/result.h"
#include "pipelines/gst_ptr.h"

namespace videocall::pipelines {

// What parse_pipeline() could not make, for the line in the file.
struct ParseFault {
  std::string word;  // the element or property name that the parser choked on
};

// A pipeline of |text|, in NULL. Errors: not_found (an element is missing),
// invalid_argument (syntax, a property, a link). |fault| may be nullptr.
[[nodiscard]] Result<ElementPtr> parse_pipeline(const std::string& text,
                                                const std::string& name,
                                                ParseFault* fault);

// A bin of |text|, in NULL.
[[nodiscard]] Result<ElementPtr> parse_bin(const std::string& text);

// Puts the elements of |text| into |bin| and returns the sink pad that is left
// unlinked, of which there must be exactly one.
[[nodiscard]] Result<PadPtr> parse_into(GstBin* bin, const std::string& text);

}  // namespace videocall::pipelines
