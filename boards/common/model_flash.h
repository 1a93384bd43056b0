// SPDX-License-Identifier: Apache-2.0
// Where a board keeps models that come over the link, in builds with -DSTAPES_MODEL_SLOTS=ON: the
// source that STAPES_MODEL_FLASH of its board.cmake names. The last STAPES_MODEL_FLASH_BYTES of its
// flash are then not for the program.
#pragma once

#include "app/flash.h"

namespace stapes {
namespace board {

// nullptr: none in this run.
Flash* ModelFlash();

}  // namespace board
}  // namespace stapes
