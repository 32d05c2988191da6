// SPDX-License-Identifier: MIT
// A description and its settings turned into a GstPipeline.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"
#include "pipelines/gst_ptr.h"
#include "pipelines/settings.h"

namespace videocall::pipelines {

class Pipeline {
 public:
  // Builds the pipeline, in NULL, its branches attached. gst_init() and, if
  // our own elements are used, register_own_plugins() come first. Errors, each
  // "FILE:LINE: reason" where a file is to blame: not_found (a missing
  // element, property or file), invalid_argument (value, launch text).
  [[nodiscard]] static Result<std::unique_ptr<Pipeline>> build(
      const Description& description, const Settings& settings);

  // Sets the pipeline to NULL.
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // The GstPipeline, borrowed.
  [[nodiscard]] GstElement* element() const;

  // The element of that name, or empty.
  [[nodiscard]] ElementPtr find(std::string_view name) const;

  // What deserves to be told a person but is no error: settings without
  // effect in this selection.
  [[nodiscard]] const std::vector<std::string>& notes() const;

  // Branches at run time, by the name in the description. Adding one that is
  // there, or removing one that is not, is invalid_argument. Removing returns
  // at once; the branch finishes by itself (branch.h).
  [[nodiscard]] Result<void> add_branch(std::string_view name);
  [[nodiscard]] Result<void> remove_branch(std::string_view name);
  [[nodiscard]] bool has_branch(std::string_view name) const;

  // Ends what was built for dynamic pads in order: files are closed. At most
  // 6 s for all together; pads that come later are left alone. Not from a
  // streaming thread.
  void finish_dynamics();

  // What {name} means in the file-name of the dynamic group |group|; "user"
  // is the name that the shipped descriptions use.
  void set_label(const std::string& group, const std::string& name,
                 const std::string& text);

  // The launch text after all choices, for people.
  [[nodiscard]] const std::string& launch_text() const;

 private:
  class Builder;
  struct State;
  explicit Pipeline(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace videocall::pipelines
