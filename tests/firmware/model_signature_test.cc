// SPDX-License-Identifier: Apache-2.0
// Who may send a model: the trailer of an image, its version, and what refuses it. The signature
// itself is a library's; a simple function stands for it here.
#include "app/model_signature.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/little_endian.h"

namespace stapes {

// Repeats a hash of 32 bits (Fowler, Noll, Vo).
void Sha512(Span<const uint8_t> bytes, uint8_t* digest) {
  uint32_t hash = 2166136261;
  for (const uint8_t byte : bytes) {
    hash = (hash ^ byte) * 16777619;
  }
  for (std::size_t i = 0; i < kSha512Bytes; i += 4) {
    StoreU32(hash, digest + i);
  }
}

// A signature is the digest of the message, each byte moved by one of the key.
bool IsSignedBy(const uint8_t* public_key, Span<const uint8_t> message, const uint8_t* signature) {
  uint8_t digest[kSha512Bytes];
  Sha512(message, digest);
  for (std::size_t i = 0; i < kSignatureBytes; ++i) {
    if (signature[i] != static_cast<uint8_t>(digest[i] + public_key[i % kPublicKeyBytes])) {
      return false;
    }
  }
  return true;
}

namespace {

const uint8_t kKey[kPublicKeyBytes] = {7, 1, 2, 3};
const uint8_t kOtherKey[kPublicKeyBytes] = {8, 1, 2, 3};

std::vector<uint8_t> Signed(std::vector<uint8_t> image, uint32_t version, const uint8_t* key) {
  uint8_t message[SignatureGuard::kHeadBytes + kSha512Bytes] = {'S', 'P', 'T', 'S'};
  StoreU32(version, message + 4);
  Sha512({image.data(), image.size()}, message + SignatureGuard::kHeadBytes);
  image.insert(image.end(), message, message + SignatureGuard::kHeadBytes);
  uint8_t digest[kSha512Bytes];
  Sha512(message, digest);
  for (std::size_t i = 0; i < kSignatureBytes; ++i) {
    image.push_back(static_cast<uint8_t>(digest[i] + key[i % kPublicKeyBytes]));
  }
  return image;
}

std::string ReasonOf(const std::vector<uint8_t>& image, uint32_t newest, uint32_t built_in = 0) {
  const SignatureGuard guard(kKey, built_in);
  const ModelGuard::Verdict verdict = guard.Check({image.data(), image.size()}, newest);
  return verdict.reason == nullptr ? "version " + std::to_string(verdict.version) : verdict.reason;
}

const std::vector<uint8_t> kImage = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

TEST_CASE("a model that the key's owner signed may run, and its version is told") {
  CHECK(ReasonOf(Signed(kImage, 5, kKey), 4) == "version 5");
  CHECK(ReasonOf(Signed(kImage, 5, kKey), 5) == "version 5");  // again
  CHECK(ReasonOf(Signed({}, 0, kKey), 0) == "version 0");
  CHECK(ReasonOf(Signed(kImage, 0xFFFFFFFF, kKey), 0xFFFFFFFE) == "version 4294967295");
}

TEST_CASE("older models are refused: than the newest one, and than the firmware allows") {
  CHECK(ReasonOf(Signed(kImage, 5, kKey), 6) == "an older version than was taken before");
  CHECK(ReasonOf(Signed(kImage, 5, kKey), 0, 6) == "an older version than was taken before");
}

TEST_CASE("models without a signature, or with one of another key, are refused") {
  CHECK(ReasonOf({}, 0) == "not signed");
  CHECK(ReasonOf(kImage, 0) == "not signed");
  CHECK(ReasonOf(std::vector<uint8_t>(500, 0), 0) == "not signed");
  CHECK(ReasonOf(Signed(kImage, 5, kOtherKey), 0) == "signed by another key, or changed since");
}

TEST_CASE("a change of any byte is found: of the model, of the version, of the signature") {
  const std::vector<uint8_t> good = Signed(kImage, 5, kKey);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::vector<uint8_t> changed = good;
    changed[i] ^= 1;
    CHECK(ReasonOf(changed, 0).find("version") == std::string::npos);
  }
  const std::vector<uint8_t> cut(good.begin(), good.end() - 1);
  CHECK(ReasonOf(cut, 0).find("version") == std::string::npos);
}

}  // namespace
}  // namespace stapes
