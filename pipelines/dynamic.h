// SPDX-License-Identifier: MIT
// Builds and removes what a description wants for each pad that an element
// adds while the pipeline runs ([[dynamic]]).
//
// Pads come on streaming threads; building, restarting and removing happen on
// threads of GStreamer's, one group at a time. Data waits meanwhile in a
// bounded queue of the group's branch (branch.h), so neither the element nor
// another group notices. A group is built anew, with its file closed first,
// when a pad joins it late or the caps of a pad change.
#pragma once

#include <gst/gst.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "libvideocall/base/result.h"
#include "pipelines/description.h"
#include "pipelines/gst_ptr.h"

namespace videocall::pipelines {

// Element message, posted when a group begins: dynamic, group, file (strings;
// file is empty where no parameter has a file-name).
inline constexpr char kGroupStartedMessage[] = "videocall-group-started";

class DynamicPart {
 public:
  // Sets the parameters on a group's elements; |labels| is what may stand in
  // a file name: group, user, name, time. Returns the path of the group's file,
  // or empty. Called on any thread.
  using Configure = std::function<Result<std::string>(
      GstElement* group, const std::map<std::string, std::string>& labels)>;

  // Watches |from| until finish(). |pipeline| is borrowed and must outlive
  // this.
  DynamicPart(GstElement* pipeline, GstElement* from, Dynamic dynamic,
              Configure configure);
  ~DynamicPart();
  DynamicPart(const DynamicPart&) = delete;
  DynamicPart& operator=(const DynamicPart&) = delete;

  // What {name} in a file-name stands for in this group. Any thread.
  void set_label(const std::string& group, const std::string& name,
                 const std::string& text);

  // Ends every group in order (end of stream, files closed), at most 6 s.
  // Afterwards no pad is taken any more.
  void finish();

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

// |text| as part of a file name: anything but letters, digits and "._-@+"
// becomes "_", a leading dot too; at most 80 bytes, never empty.
[[nodiscard]] std::string file_name_part(const std::string& text);

}  // namespace videocall::pipelines
