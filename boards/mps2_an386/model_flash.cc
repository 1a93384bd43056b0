// SPDX-License-Identifier: Apache-2.0
// Source: Arm MPS2 TRM: 16 MB of PSRAM at 0x21000000. QEMU can keep it in a file (README.md).
#include "boards/common/model_flash.h"

#include "boards/common/memory_flash.h"

namespace stapes {
namespace board {

Flash* ModelFlash() {
  constexpr std::size_t kBytes = 2 * (1 << 20);
  static MemoryFlash flash({reinterpret_cast<uint8_t*>(0x21000000), kBytes});
  return &flash;
}

}  // namespace board
}  // namespace stapes
