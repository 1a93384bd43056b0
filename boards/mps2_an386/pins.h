// SPDX-License-Identifier: Apache-2.0
// This board differs from its MPS2 sisters in its processor only.
#pragma once

#include "boards/chips/cmsdk/mps2_pins.h"
