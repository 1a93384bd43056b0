// SPDX-License-Identifier: Apache-2.0
// What a firmware with signed models takes from a library: boards/common/signed_models.cmake.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

constexpr std::size_t kSignatureBytes = 64;
constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::size_t kSha512Bytes = 64;
constexpr std::size_t kMaxSignedBytes = 128;  // of a message

// Whether `signature` (kSignatureBytes) is that of `message` by the owner of `public_key`
// (kPublicKeyBytes): Ed25519 as in RFC 8032.
bool IsSignedBy(const uint8_t* public_key, Span<const uint8_t> message, const uint8_t* signature);

// SHA-512 (FIPS 180-4) into `digest`, kSha512Bytes.
void Sha512(Span<const uint8_t> bytes, uint8_t* digest);

}  // namespace stapes
