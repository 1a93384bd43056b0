// SPDX-License-Identifier: Apache-2.0
// Models that are signed: the last kTrailerBytes of an image say its version, and who vouches for
// both. Written by host/stapes/link/signing.py; docs/protocol.md has the layout.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/ed25519.h"
#include "app/model_guard.h"

namespace stapes {

class SignatureGuard final : public ModelGuard {
 public:
  static constexpr std::size_t kHeadBytes = 16;  // of the trailer, before the signature
  static constexpr std::size_t kTrailerBytes = kHeadBytes + kSignatureBytes;

  // `public_key`: kPublicKeyBytes, kept by the caller. Models below version `least` are refused.
  SignatureGuard(const uint8_t* public_key, uint32_t least)
      : public_key_(public_key), least_(least) {}

  Verdict Check(Span<const uint8_t> image, uint32_t least) const override;

 private:
  const uint8_t* public_key_;
  uint32_t least_;
};

}  // namespace stapes
