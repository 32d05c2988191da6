// SPDX-License-Identifier: MIT
// What the relay's elements tell and are told, to and from their GstStructures
// (docs/element-contract.md). Fields that are missing are empty or 0.
#pragma once

#include <gst/gst.h>

#include <string>
#include <vector>

#include "libvideocall/cluster/node_messages.h"
#include "server/relay.h"

namespace videocall::server {

std::string text_field(const GstStructure* structure, const char* name);
uint64_t uint64_field(const GstStructure* structure, const char* name);
bool bool_field(const GstStructure* structure, const char* name);

SessionRequest request_of(const GstStructure* structure);
RoomMember member_of(const GstStructure* entry);
cluster::Heartbeat node_of(const GstStructure* entry);

// The caller frees what is returned.
GstStructure* structure_of(const Grant& grant);
GstStructure* structure_of(const cluster::Heartbeat& node);

// The structures in the list |name| of |answer|, each as |of| reads it. Frees
// |answer|, which may be null: then there are none.
template <typename T>
std::vector<T> take_list(GstStructure* answer, const char* name,
                         T (*of)(const GstStructure*)) {
  std::vector<T> items;
  if (answer == nullptr) return items;
  const GValue* list = gst_structure_get_value(answer, name);
  const guint count = list != nullptr && GST_VALUE_HOLDS_LIST(list)
                          ? gst_value_list_get_size(list)
                          : 0;
  for (guint i = 0; i < count; ++i)
    items.push_back(
        of(gst_value_get_structure(gst_value_list_get_value(list, i))));
  gst_structure_free(answer);
  return items;
}

}  // namespace videocall::server
