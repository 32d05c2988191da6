// SPDX-License-Identifier: MIT
#include "plugins/websocket/tappedstream.h"

#include <algorithm>

using videocall::websocket::StreamTap;

namespace {

// -- Input --------------------------------------------------------------------

struct TappedInput {
  GInputStream parent;
  GInputStream* base;  // owned
  StreamTap* tap;      // borrowed; nullptr: detached
};
struct TappedInputClass {
  GInputStreamClass parent_class;
};

// -- Output -------------------------------------------------------------------

struct TappedOutput {
  GOutputStream parent;
  GOutputStream* base;  // owned
  StreamTap* tap;       // borrowed; nullptr: detached
};
struct TappedOutputClass {
  GOutputStreamClass parent_class;
};

// -- Both ---------------------------------------------------------------------

struct TappedStream {
  GIOStream parent;
  GIOStream* base;       // owned
  TappedInput* input;    // owned
  TappedOutput* output;  // owned
};
struct TappedStreamClass {
  GIOStreamClass parent_class;
};

gssize would_block(GError** error) {
  g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "not now");
  return -1;
}

gssize read_nonblocking(GPollableInputStream* stream, void* buffer, gsize count,
                        GError** error) {
  auto* self = reinterpret_cast<TappedInput*>(stream);
  if (!self->tap) return 0;
  const gsize wanted = std::min<gsize>(count, self->tap->may_read());
  if (wanted == 0) return would_block(error);
  const gssize size = g_pollable_input_stream_read_nonblocking(
      G_POLLABLE_INPUT_STREAM(self->base), buffer, wanted, nullptr, error);
  if (size <= 0) return size;
  const videocall::Bytes bytes(static_cast<const uint8_t*>(buffer),
                               static_cast<size_t>(size));
  return self->tap->on_read(bytes) ? size : would_block(error);
}

gboolean input_is_readable(GPollableInputStream* stream) {
  auto* self = reinterpret_cast<TappedInput*>(stream);
  return g_pollable_input_stream_is_readable(
      G_POLLABLE_INPUT_STREAM(self->base));
}

GSource* create_input_source(GPollableInputStream* stream,
                             GCancellable* cancellable) {
  auto* self = reinterpret_cast<TappedInput*>(stream);
  return g_pollable_input_stream_create_source(
      G_POLLABLE_INPUT_STREAM(self->base), cancellable);
}

gssize write_nonblocking(GPollableOutputStream* stream, const void* buffer,
                         gsize count, GError** error) {
  auto* self = reinterpret_cast<TappedOutput*>(stream);
  if (!self->tap) {
    g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_CLOSED, "given up");
    return -1;
  }
  switch (self->tap->on_write({static_cast<const uint8_t*>(buffer), count})) {
    case StreamTap::Way::held:
      return static_cast<gssize>(count);
    case StreamTap::Way::wait:
      return would_block(error);
    case StreamTap::Way::below:
      break;
  }
  const gssize size = g_pollable_output_stream_write_nonblocking(
      G_POLLABLE_OUTPUT_STREAM(self->base), buffer, count, nullptr, error);
  if (size > 0) self->tap->on_written(static_cast<size_t>(size));
  return size;
}

gboolean output_is_writable(GPollableOutputStream* stream) {
  auto* self = reinterpret_cast<TappedOutput*>(stream);
  return g_pollable_output_stream_is_writable(
      G_POLLABLE_OUTPUT_STREAM(self->base));
}

GSource* create_output_source(GPollableOutputStream* stream,
                              GCancellable* cancellable) {
  auto* self = reinterpret_cast<TappedOutput*>(stream);
  return g_pollable_output_stream_create_source(
      G_POLLABLE_OUTPUT_STREAM(self->base), cancellable);
}

void tapped_input_pollable(gpointer iface, gpointer) {
  auto* pollable = static_cast<GPollableInputStreamInterface*>(iface);
  pollable->is_readable = input_is_readable;
  pollable->create_source = create_input_source;
  pollable->read_nonblocking = read_nonblocking;
}

void tapped_output_pollable(gpointer iface, gpointer) {
  auto* pollable = static_cast<GPollableOutputStreamInterface*>(iface);
  pollable->is_writable = output_is_writable;
  pollable->create_source = create_output_source;
  pollable->write_nonblocking = write_nonblocking;
}

}  // namespace

G_DEFINE_TYPE_WITH_CODE(TappedInput, videocall_tapped_input,
                        G_TYPE_INPUT_STREAM,
                        G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_INPUT_STREAM,
                                              tapped_input_pollable))
G_DEFINE_TYPE_WITH_CODE(TappedOutput, videocall_tapped_output,
                        G_TYPE_OUTPUT_STREAM,
                        G_IMPLEMENT_INTERFACE(G_TYPE_POLLABLE_OUTPUT_STREAM,
                                              tapped_output_pollable))
G_DEFINE_TYPE(TappedStream, videocall_tapped_stream, G_TYPE_IO_STREAM)

static void videocall_tapped_input_class_init(TappedInputClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = [](GObject* object) {
    g_object_unref(reinterpret_cast<TappedInput*>(object)->base);
    G_OBJECT_CLASS(videocall_tapped_input_parent_class)->finalize(object);
  };
}

static void videocall_tapped_input_init(TappedInput*) {}

static void videocall_tapped_output_class_init(TappedOutputClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = [](GObject* object) {
    g_object_unref(reinterpret_cast<TappedOutput*>(object)->base);
    G_OBJECT_CLASS(videocall_tapped_output_parent_class)->finalize(object);
  };
}

static void videocall_tapped_output_init(TappedOutput*) {}

namespace {

TappedStream* tapped(gpointer stream) {
  return static_cast<TappedStream*>(stream);
}

void finalize_stream(GObject* object) {
  TappedStream* self = tapped(object);
  g_object_unref(self->input);
  g_object_unref(self->output);
  g_object_unref(self->base);
  G_OBJECT_CLASS(videocall_tapped_stream_parent_class)->finalize(object);
}

gboolean close_stream(GIOStream* stream, GCancellable* cancellable,
                      GError** error) {
  return g_io_stream_close(tapped(stream)->base, cancellable, error);
}

// In the background: TLS has a farewell to send.
void close_stream_async(GIOStream* stream, int priority,
                        GCancellable* cancellable, GAsyncReadyCallback done,
                        gpointer data) {
  GTask* task = g_task_new(stream, cancellable, done, data);
  g_io_stream_close_async(
      tapped(stream)->base, priority, cancellable,
      [](GObject* base, GAsyncResult* result, gpointer held) {
        auto* outer = static_cast<GTask*>(held);
        GError* error = nullptr;
        if (g_io_stream_close_finish(G_IO_STREAM(base), result, &error))
          g_task_return_boolean(outer, TRUE);
        else
          g_task_return_error(outer, error);
        g_object_unref(outer);
      },
      task);
}

gboolean close_stream_finish(GIOStream*, GAsyncResult* result, GError** error) {
  return g_task_propagate_boolean(G_TASK(result), error);
}

}  // namespace

static void videocall_tapped_stream_class_init(TappedStreamClass* klass) {
  G_OBJECT_CLASS(klass)->finalize = finalize_stream;
  GIOStreamClass* stream_class = &klass->parent_class;
  stream_class->get_input_stream = [](GIOStream* stream) {
    return G_INPUT_STREAM(tapped(stream)->input);
  };
  stream_class->get_output_stream = [](GIOStream* stream) {
    return G_OUTPUT_STREAM(tapped(stream)->output);
  };
  stream_class->close_fn = close_stream;
  stream_class->close_async = close_stream_async;
  stream_class->close_finish = close_stream_finish;
}

static void videocall_tapped_stream_init(TappedStream*) {}

namespace videocall::websocket {

GIOStream* tapped_stream_new(GIOStream* base, StreamTap* tap) {
  auto* self = static_cast<TappedStream*>(
      g_object_new(videocall_tapped_stream_get_type(), nullptr));
  self->base = G_IO_STREAM(g_object_ref(base));
  self->input = static_cast<TappedInput*>(
      g_object_new(videocall_tapped_input_get_type(), nullptr));
  self->input->base =
      G_INPUT_STREAM(g_object_ref(g_io_stream_get_input_stream(base)));
  self->input->tap = tap;
  self->output = static_cast<TappedOutput*>(
      g_object_new(videocall_tapped_output_get_type(), nullptr));
  self->output->base =
      G_OUTPUT_STREAM(g_object_ref(g_io_stream_get_output_stream(base)));
  self->output->tap = tap;
  return G_IO_STREAM(self);
}

void tapped_stream_detach(GIOStream* stream) {
  tapped(stream)->input->tap = nullptr;
  tapped(stream)->output->tap = nullptr;
}

}  // namespace videocall::websocket
