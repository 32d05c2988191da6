// SPDX-License-Identifier: MIT
// The encoder upstream of one of videocallsink's pads, found by following the
// links: its bitrate, changed while it runs, and whether it is given pictures
// at all. Where none is found (the stream of a file), or where others live of
// it too (a tee behind it), nothing is done. One thread at a time.
#pragma once

#include <gst/gst.h>

#include "plugins/common/gstptr.h"

namespace videocall::gst {

class EncoderControl {
 public:
  // |pad| is videocallsink's.
  explicit EncoderControl(GstPad* pad) : pad_(GST_PAD(gst_object_ref(pad))) {}
  ~EncoderControl() { release(); }
  EncoderControl(const EncoderControl&) = delete;
  EncoderControl& operator=(const EncoderControl&) = delete;

  // What the encoder was set to when it was found, in kbit/s: what it is given
  // at most. 0: there is no encoder, or it does not say.
  double ceiling_kbps();
  // The bitrate from now on; left alone without a ceiling.
  void set_kbps(double kbps);
  // Whether pictures reach the encoder. True if they do again, so that a key
  // frame is to be asked for.
  bool set_running(bool running);
  // Sets the encoder back to what it was and forgets it.
  void release();

 private:
  bool find();
  void put(double kbps);

  const ObjectPtr<GstPad> pad_;
  ObjectPtr<GstElement> encoder_;
  ObjectPtr<GstPad> input_;         // of the encoder
  const char* property_ = nullptr;  // its bitrate
  double unit_ = 1;                 // of the property, in bit/s
  double ceiling_kbps_ = 0;
  double kbps_ = 0;   // as it is set now
  gulong probe_ = 0;  // drops what comes; 0: running
};

}  // namespace videocall::gst
