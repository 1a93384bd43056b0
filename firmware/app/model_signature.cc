// SPDX-License-Identifier: Apache-2.0
#include "app/model_signature.h"

#include <cstring>

#include "base/little_endian.h"

namespace stapes {
namespace {

constexpr uint32_t kMagic = 0x53545053;  // "SPTS"

}  // namespace

// The signature covers the trailer's head and the SHA-512 of everything before the trailer. The
// version is checked last, so that nobody without the key learns anything about it.
ModelGuard::Verdict SignatureGuard::Check(Span<const uint8_t> image, uint32_t least) const {
  if (image.size() < kTrailerBytes) {
    return {"not signed", 0};
  }
  const Span<const uint8_t> content = image.First(image.size() - kTrailerBytes);
  const uint8_t* const trailer = content.end();
  if (LoadU32(trailer) != kMagic) {
    return {"not signed", 0};
  }
  uint8_t message[kHeadBytes + kSha512Bytes];
  static_assert(sizeof message <= kMaxSignedBytes, "it must fit the library's buffers");
  std::memcpy(message, trailer, kHeadBytes);
  Sha512(content, message + kHeadBytes);
  if (!IsSignedBy(public_key_, message, trailer + kHeadBytes)) {
    return {"signed by another key, or changed since", 0};
  }
  const uint32_t version = LoadU32(trailer + 4);
  if (version < least || version < least_) {
    return {"an older version than was taken before", 0};
  }
  return {nullptr, version};
}

}  // namespace stapes
