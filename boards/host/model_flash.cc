// SPDX-License-Identifier: Apache-2.0
// A file of this machine as flash memory: it stays however the program ends.
#include "boards/common/model_flash.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "boards/common/memory_flash.h"
#include "boards/host/model_file.h"

namespace stapes {
namespace board {
namespace {

constexpr std::size_t kBytes = 2 * (1 << 20);

Span<uint8_t> memory;

}  // namespace

bool UseModelFile(const char* path) {
  const int file = open(path, O_RDWR | O_CREAT, 0666);
  if (file < 0 || ftruncate(file, kBytes) != 0) {
    return false;
  }
  void* const start = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (start == MAP_FAILED) {
    return false;
  }
  memory = {static_cast<uint8_t*>(start), kBytes};
  return true;
}

Flash* ModelFlash() {
  static MemoryFlash flash(memory);
  return memory.empty() ? nullptr : &flash;
}

}  // namespace board
}  // namespace stapes
