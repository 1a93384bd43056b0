// SPDX-License-Identifier: Apache-2.0
// The firmware's place taken by what a signed model costs: ticks of one signature, and of the hash
// of the compiled-in model. Prints lines of "name value", which bench/signature.py reads.
#include <cstddef>
#include <cstdint>

#include "app/ed25519.h"
#include "app/model_signature.h"
#include "boards/board.h"
#include "public_key.h"
#include "stapes_model.h"

namespace stapes {
namespace {

constexpr uint8_t kMessage[SignatureGuard::kHeadBytes + kSha512Bytes] = {};
constexpr uint8_t kSignature[kSignatureBytes] = {STAPES_BENCH_SIGNATURE};

void Print(const char* text) {
  for (; *text != '\0'; ++text) {
    const uint8_t byte = static_cast<uint8_t>(*text);
    while (board::UartWrite(Span<const uint8_t>(&byte, 1)) == 0) {
    }
  }
}

void PrintValue(const char* name, uint32_t value) {
  char digits[12];
  char* at = digits + sizeof(digits);
  *--at = '\0';
  do {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  Print(name);
  Print(" ");
  Print(at);
  Print("\n");
}

}  // namespace

int RunFirmware() {
  uint8_t digest[kSha512Bytes];
  uint32_t start = board::Ticks();
  const bool good = IsSignedBy(kPublicKey, kMessage, kSignature);
  PrintValue("signature_ticks", board::Ticks() - start);
  start = board::Ticks();
  Sha512(kModel.model, digest);
  PrintValue("hash_ticks", board::Ticks() - start);
  PrintValue("model_bytes", static_cast<uint32_t>(kModel.model.size()));
  PrintValue("stack_bytes", board::Stack().used_bytes);
  PrintValue("ticks_per_second", board::kTicksPerSecond);
  PrintValue("good", good ? 1 : 0);
  Print("done\n");
  return 0;
}

}  // namespace stapes
