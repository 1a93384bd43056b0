// SPDX-License-Identifier: Apache-2.0
// What an application asks of whatever takes new models from the host. Boards without room for new
// models have no receiver, and none of its code.
#pragma once

#include <cstddef>
#include <cstdint>

#include "app/flash.h"
#include "base/span.h"

namespace stapes {

class ModelReceiver {
 public:
  // `reason`: nullptr, or why not: a literal. The next two are about the engine's verdict.
  struct Verdict {
    const char* reason = nullptr;
    const char* operator_name = "";  // of the operator that is refused
    int32_t operator_index = -1;     // its position, -1: not about one operator
    // After a refusal: why the model that ran before does not run any more, so that another one
    // runs; nullptr: it still runs.
    const char* fallen = nullptr;
  };

  virtual std::size_t capacity() const = 0;  // bytes of the largest image
  virtual int slot() const = 0;              // where the running model comes from, -1: built in
  // Whether the stored image of the running model has changed since it was committed. Reads all of
  // it.
  virtual bool damaged() const = 0;

  // An image of `bytes` bytes with this CRC-32 will come. What came before is forgotten.
  virtual Verdict Begin(uint32_t bytes, uint32_t crc) = 0;
  // Takes the bytes at `offset`, a multiple of kFlashWriteBytes, if they are the next ones.
  virtual Verdict Take(uint32_t offset, Span<const uint8_t> bytes) = 0;
  virtual uint32_t next_offset() const = 0;  // of the bytes that are waited for
  // Checks the image of this CRC-32 and lets it replace the running model, for good. The pipeline
  // starts afresh, whatever the verdict.
  virtual Verdict Commit(uint32_t crc) = 0;
  // Back to the built-in model, for good.
  virtual Verdict UseBuiltIn() = 0;

 protected:
  ~ModelReceiver() = default;
};

}  // namespace stapes
