// Where a board keeps models that come over the link: for builds with -DSTAPES_MODEL_SLOTS=ON, each
// board's model_flash.cc.
#pragma once

#include "app/flash.h"

namespace stapes {
namespace board {

// nullptr: none today.
Flash* ModelFlash();

}  // namespace board
}  // namespace stapes
