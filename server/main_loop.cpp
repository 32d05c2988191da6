// SPDX-License-Identifier: MIT
#include "server/main_loop.h"

#include <glib.h>

namespace videocall::server {

void run_on_main(std::function<void()> call) {
  g_idle_add_full(
      G_PRIORITY_DEFAULT,
      [](gpointer held) -> gboolean {
        (*static_cast<std::function<void()>*>(held))();
        return G_SOURCE_REMOVE;
      },
      new std::function<void()>(std::move(call)),
      [](gpointer held) { delete static_cast<std::function<void()>*>(held); });
}

void drain_main_loop() {
  while (g_main_context_iteration(nullptr, FALSE)) {
  }
}

}  // namespace videocall::server
