// SPDX-License-Identifier: Apache-2.0
#include "boards/web/page_model.h"

#include "base/crc32.h"
#include "base/little_endian.h"
#include "frontend/pcen.h"
#include "nn/all_operators.h"

namespace stapes {
namespace {

constexpr uint32_t kMagic = 0x47505053;  // "SPPG"
constexpr uint32_t kVersion = 1;
constexpr std::size_t kHeaderBytes = 48;
constexpr std::size_t kAlignment = 16;  // of the image
constexpr char kDamaged[] = "damaged, or cut short";

// Words and arrays of the tables, in the order of the struct's fields.
class TableReader {
 public:
  explicit TableReader(Span<const uint8_t> bytes) : rest_(bytes) {}

  template <typename Value>
  void Read(Value* value) {
    *value = static_cast<Value>(Word());
  }

  // An array that is used in place: the number of its bytes, then the bytes, padded to a multiple
  // of 4.
  template <typename Value>
  void Read(const Value** values) {
    const std::size_t bytes = Word();
    const std::size_t padded = (bytes + 3) & ~std::size_t{3};
    if (padded > rest_.size()) {
      whole_ = false;
      return;
    }
    *values = bytes == 0 ? nullptr : reinterpret_cast<const Value*>(rest_.data());
    rest_ = rest_.Skip(padded);
  }

  // Nothing was missing, and what is left fills up to the image.
  bool Fits() const { return whole_ && rest_.size() < kAlignment; }

 private:
  uint32_t Word() {
    if (rest_.size() < 4) {
      whole_ = false;
      return 0;
    }
    const uint32_t word = LoadU32(rest_.data());
    rest_ = rest_.Skip(4);
    return word;
  }

  Span<const uint8_t> rest_;
  bool whole_ = true;
};

bool ReadTables(Span<const uint8_t> bytes, FrontEndTables* tables) {
  TableReader reader(bytes);
  reader.Read(&tables->window_samples);
  reader.Read(&tables->stride_samples);
  reader.Read(&tables->fft_log2);
  reader.Read(&tables->input_bits);
  reader.Read(&tables->channel_count);
  reader.Read(&tables->coefficient_count);
  reader.Read(&tables->first_bin);
  reader.Read(&tables->last_bin);
  reader.Read(&tables->window);
  reader.Read(&tables->twiddles);
  reader.Read(&tables->bin_twiddles);
  reader.Read(&tables->band_bins);
  reader.Read(&tables->mel_weights);
  reader.Read(&tables->dct);
  reader.Read(&tables->feature_bits);
  reader.Read(&tables->zero_point);
  reader.Read(&tables->multiplier);
  reader.Read(&tables->shift);
  reader.Read(&tables->work_bytes);
  reader.Read(&tables->pcen_curve);
  reader.Read(&tables->pcen_energy_bits);
  reader.Read(&tables->pcen_rate);
  reader.Read(&tables->pcen_alpha);
  reader.Read(&tables->pcen_floor);
  tables->pcen_stage = tables->pcen_curve != nullptr ? PcenMel : nullptr;
  return reader.Fits();
}

}  // namespace

const char* PageModel::Read(Span<const uint8_t> file, FrameGate* gate) {
  if (file.size() < kHeaderBytes || LoadU32(file.data()) != kMagic) {
    return "no model of a Stapes page";
  }
  if (LoadU32(file.data() + 4) != kVersion) {
    return "made for another version of the page";
  }
  const auto word = [&](std::size_t index) { return LoadU32(file.data() + 4 * index); };
  const std::size_t tables_bytes = word(2);
  const std::size_t image_bytes = word(3);
  Span<const uint8_t> rest = file.Skip(kHeaderBytes);
  if (tables_bytes > rest.size() || rest.size() - tables_bytes != image_bytes ||
      Crc32Update(Crc32Update(0, file.First(kHeaderBytes - 4)), rest) != word(11)) {
    return kDamaged;
  }
  if (!ReadTables(rest.First(tables_bytes), &front_end)) {
    return kDamaged;
  }
  image = rest.Skip(tables_bytes);
  ModelBundle base = {};
  base.slot_gate = gate;
  base.front_end = &front_end;
  base.operators = AllOperators();
  base.sample_rate = word(4);
  base.front_end_crc = word(5);
  base.window_frames = static_cast<uint16_t>(word(6));
  clip_stride_frames = static_cast<uint16_t>(word(7));
  base.arena_bytes = word(8);
  base.feature_count = static_cast<uint16_t>(FeatureCount(front_end));
  base.window_samples = front_end.window_samples;
  base.stride_samples = front_end.stride_samples * clip_stride_frames;
  base.front_end_work_bytes = front_end.work_bytes;
  if (const char* reason = loaded.Set(image, base)) {
    return reason;
  }
  const DecoderConfig& decoder = loaded.bundle.decoder;
  loaded.bundle.decoder_work_bytes = DecoderWorkBytes(decoder.label_count, decoder.frame_capacity);
  return nullptr;
}

}  // namespace stapes
