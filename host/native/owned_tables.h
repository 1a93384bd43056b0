// SPDX-License-Identifier: Apache-2.0
// The front end's tables, which the host builds in Python, in memory of C++.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <vector>

#include "frontend/front_end_tables.h"

namespace stapes {

// A copy of FrontEndTables (host/stapes/device/tables.py) in its own memory. Throws
// std::invalid_argument for numbers that do not fit together.
class OwnedTables {
 public:
  explicit OwnedTables(nanobind::handle source);
  OwnedTables(const OwnedTables&) = delete;
  OwnedTables& operator=(const OwnedTables&) = delete;

  const FrontEndTables& get() const { return tables_; }

 private:
  void CheckSizes() const;
  void CopyArrays(nanobind::handle source);
  void CheckPcen() const;

  FrontEndTables tables_ = {};
  std::vector<int32_t> window_, twiddles_, bin_twiddles_;
  std::vector<uint16_t> band_bins_, mel_weights_, pcen_curve_;
  std::vector<int16_t> dct_;
};

}  // namespace stapes
