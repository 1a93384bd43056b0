// SPDX-License-Identifier: Apache-2.0
// Ed25519 and SHA-512 by Monocypher: audited, and the fastest.
#include <monocypher-ed25519.h>

#include "app/ed25519.h"

namespace stapes {

bool IsSignedBy(const uint8_t* public_key, Span<const uint8_t> message, const uint8_t* signature) {
  return crypto_ed25519_check(signature, public_key, message.data(), message.size()) == 0;
}

void Sha512(Span<const uint8_t> bytes, uint8_t* digest) {
  crypto_sha512(digest, bytes.data(), bytes.size());
}

}  // namespace stapes
