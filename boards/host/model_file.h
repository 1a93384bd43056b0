// SPDX-License-Identifier: Apache-2.0
// Keeps the models that come over the link in a file, as a board keeps them in its flash.
#pragma once

namespace stapes {
namespace board {

// Called before RunFirmware; creates the file if it is missing. False, with errno, when that fails.
bool UseModelFile(const char* path);

}  // namespace board
}  // namespace stapes
