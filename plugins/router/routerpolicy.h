// SPDX-License-Identifier: MIT
// The properties of a router that say how its rooms choose and bound.
#pragma once

#include <glib-object.h>

#include "libvideocall/room/policy.h"

// Installs them with the ids from |first_id| on.
void gst_videocall_router_install_policy(GObjectClass* klass, guint first_id);
// False: |index|, counted from |first_id|, is none of them.
bool gst_videocall_router_set_policy(videocall::room::Policy& policy,
                                     guint index, const GValue* value);
bool gst_videocall_router_get_policy(const videocall::room::Policy& policy,
                                     guint index, GValue* value);
