// This board differs from mps2_an386 in its processor only.
#pragma once

#include "boards/mps2_an386/pins.h"
