// SPDX-License-Identifier: MIT
#pragma once

#include "plugins/transport/gsttransportsink.h"

GST_ELEMENT_REGISTER_DECLARE(websocketsink)
