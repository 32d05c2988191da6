// SPDX-License-Identifier: MIT
#pragma once

#include "plugins/transport/gsttransportsrc.h"

GST_ELEMENT_REGISTER_DECLARE(websocketsrc)
