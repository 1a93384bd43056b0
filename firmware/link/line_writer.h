// SPDX-License-Identifier: Apache-2.0
// Writes the events of the link: one line of text each, with sequence number and checksum.
//
//   $0007 detection time_ms=4480 label=yes score=0.87311*B9E4
//
// The checksum (CRC-16/CCITT-FALSE) covers what stands between '$' and '*'.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/span.h"

namespace stapes {

// Where the characters go. A sink that cannot take a character loses it and does not wait.
class CharacterSink {
 public:
  virtual void Put(char character) = 0;
  virtual void EndLine() = 0;  // a whole line has been put

 protected:
  ~CharacterSink() = default;
};

// One line is Begin, fields, End; nothing is buffered.
class LineWriter {
 public:
  explicit LineWriter(CharacterSink& sink) : sink_(sink) {}

  void Begin(const char* event);
  void Field(const char* name, const char* text);  // text: UTF-8, escaped
  void Field(const char* name, uint32_t number);
  void FieldLong(const char* name, uint64_t number);
  void FieldHex(const char* name, Span<const int8_t> bytes);      // two digits each
  void FieldBase64(const char* name, Span<const uint8_t> bytes);  // RFC 4648, without padding
  // A fraction of Q16, rounded to five decimals: enough to get the Q16 back.
  void FieldQ16(const char* name, uint32_t value_q16);
  void FieldList(const char* name, const char* const* texts, std::size_t count);  // comma between
  void End();

 private:
  void Put(char character);
  void PutPlain(const char* text);
  void PutEscaped(const char* text);
  void PutHex(uint32_t value, int digits);
  void PutNumber(uint64_t value, int least_digits);
  void PutName(const char* name);

  CharacterSink& sink_;
  uint16_t sequence_ = 0;
  uint16_t crc_ = 0;
};

}  // namespace stapes
