// SPDX-License-Identifier: Apache-2.0
// kernel_vectors.cc on a board: lines go out of the serial port.
#include "boards/board.h"

namespace stapes {
void RunVectors();

namespace {
void Print(const char* text, std::size_t length) {
  Span<const uint8_t> bytes(reinterpret_cast<const uint8_t*>(text), length);
  while (!bytes.empty()) {
    bytes = bytes.Skip(board::UartWrite(bytes));
  }
}
}  // namespace

int RunFirmware() {
  RunVectors();
  return 0;
}
}  // namespace stapes

void PrintLine(const char* name, uint32_t checksum) {
  std::size_t length = 0;
  while (name[length] != '\0') {
    ++length;
  }
  stapes::Print(name, length);
  char digits[10] = {' ', 0, 0, 0, 0, 0, 0, 0, 0, '\n'};
  for (int i = 8; i > 0; --i, checksum >>= 4) {
    digits[i] = "0123456789abcdef"[checksum & 15];
  }
  stapes::Print(digits, sizeof(digits));
}
