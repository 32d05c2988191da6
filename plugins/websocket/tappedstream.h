// SPDX-License-Identifier: MIT
// A GIOStream around another one that lets somebody see what goes through it:
// what comes may be held back or swallowed, what goes is counted or gathered.
// libsoup's WebSocket says neither how much of what it was given is on its way
// nor what it is about to keep.
#pragma once

#include <gio/gio.h>

#include <cstddef>

#include "libvideocall/wire/packet.h"

namespace videocall::websocket {

// Called while the stream is read or written, on that thread.
class StreamTap {
 public:
  virtual ~StreamTap() = default;
  // How much may be read now; 0: the reader is told that nothing is there.
  virtual size_t may_read() = 0;
  // |bytes| came. False: the reader is not to see them.
  virtual bool on_read(Bytes bytes) = 0;
  // |bytes| are to be written. |held|: the tap has taken them all and writes
  // them to the stream below itself, before what comes next; |wait|: the writer
  // is told that there is no room.
  enum class Way { below, held, wait };
  virtual Way on_write(Bytes bytes) = 0;
  // The stream below took |size| bytes.
  virtual void on_written(size_t size) = 0;
};

// A stream around |base|, whose streams must be pollable; transfer full.
// |tap| is borrowed until tapped_stream_detach(). One thread, but for closing.
GIOStream* tapped_stream_new(GIOStream* base, StreamTap* tap);
// From now on reading ends and writing fails; closing goes on working.
void tapped_stream_detach(GIOStream* stream);

}  // namespace videocall::websocket
