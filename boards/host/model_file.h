// Keeps the models that come over the link in a file, as a board keeps them in its flash.
#pragma once

namespace stapes {
namespace board {

// Called before RunFirmware; makes the file if need be. False, with errno, when that fails.
bool UseModelFile(const char* path);

}  // namespace board
}  // namespace stapes
