// SPDX-License-Identifier: MIT
#include "plugins/common/sinkpads.h"

#include <algorithm>
#include <cstdio>
#include <string>

namespace videocall {

GstPad* SinkPads::request(GstPadTemplate* templ, const char* name,
                          const Functions& functions) {
  std::string chosen;
  {
    const std::lock_guard lock(mutex_);
    guint number = next_;
    if (name && std::sscanf(name, "sink_%u", &number) != 1) return nullptr;
    chosen = "sink_" + std::to_string(number);
    next_ = std::max(next_, number + 1);
  }
  GstPad* pad = gst_pad_new_from_template(templ, chosen.c_str());
  gst_pad_set_chain_function(pad, functions.chain);
  gst_pad_set_chain_list_function(pad, functions.chain_list);
  gst_pad_set_event_function(pad, functions.event);
  gst_pad_set_active(pad, TRUE);
  if (!gst_element_add_pad(element_, pad)) return nullptr;  // name is taken
  return pad;
}

void SinkPads::release(GstPad* pad) {
  gst_pad_set_active(pad, FALSE);
  {
    const std::lock_guard lock(mutex_);
    ended_.erase(pad);
  }
  gst_element_remove_pad(element_, pad);
  post_eos_if_all_ended();
}

void SinkPads::meet(GstPad* pad, GstEvent* event) {
  switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_EOS: {
      {
        const std::lock_guard lock(mutex_);
        ended_.insert(pad);
        seqnum_ = gst_event_get_seqnum(event);
      }
      post_eos_if_all_ended();
      break;
    }
    case GST_EVENT_STREAM_START:
    case GST_EVENT_FLUSH_STOP: {
      const std::lock_guard lock(mutex_);
      ended_.erase(pad);
      posted_ = false;
      break;
    }
    default:
      break;
  }
}

void SinkPads::reset() {
  const std::lock_guard lock(mutex_);
  ended_.clear();
  posted_ = false;
}

void SinkPads::post_eos_if_all_ended() {
  guint32 seqnum = 0;
  {
    GST_OBJECT_LOCK(element_);
    const size_t pads = element_->numsinkpads;
    GST_OBJECT_UNLOCK(element_);
    const std::lock_guard lock(mutex_);
    if (posted_ || pads == 0 || ended_.size() < pads) return;
    posted_ = true;
    seqnum = seqnum_;
  }
  GstMessage* message = gst_message_new_eos(GST_OBJECT_CAST(element_));
  if (seqnum != GST_SEQNUM_INVALID) gst_message_set_seqnum(message, seqnum);
  gst_element_post_message(element_, message);
}

}  // namespace videocall
