// SPDX-License-Identifier: Apache-2.0
// Ed25519 and SHA-512 by TweetNaCl: the smallest.
#include <cstring>

#include "app/ed25519.h"

extern "C" {
#include <tweetnacl.h>

// TweetNaCl calls this only to make keys, which no device does.
void randombytes(unsigned char*, unsigned long long) { __builtin_trap(); }
}

namespace stapes {

bool IsSignedBy(const uint8_t* public_key, Span<const uint8_t> message, const uint8_t* signature) {
  uint8_t both[kSignatureBytes + kMaxSignedBytes];
  uint8_t opened[sizeof both];
  std::memcpy(both, signature, kSignatureBytes);
  std::memcpy(both + kSignatureBytes, message.data(), message.size());
  unsigned long long opened_bytes = 0;
  return crypto_sign_open(opened, &opened_bytes, both, kSignatureBytes + message.size(),
                          public_key) == 0;
}

void Sha512(Span<const uint8_t> bytes, uint8_t* digest) {
  crypto_hash(digest, bytes.data(), bytes.size());
}

}  // namespace stapes
