// SPDX-License-Identifier: Apache-2.0
// kernel_vectors.cc on the machine that builds.
#include <cstdint>
#include <cstdio>

namespace stapes {
void RunVectors();
}

void PrintLine(const char* name, uint32_t checksum) { std::printf("%s %08x\n", name, checksum); }

int main() {
  stapes::RunVectors();
  return 0;
}
