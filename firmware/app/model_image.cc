// SPDX-License-Identifier: Apache-2.0
#include "app/model_image.h"

namespace stapes {
namespace {

constexpr uint32_t kMagic = 0x4D545053;  // "SPTM"
constexpr uint16_t kVersion = 1;
constexpr std::size_t kFixedBytes = 64;
constexpr uint32_t kStreaming = 1 << 0;  // flags of the decoder
constexpr uint32_t kRetrigger = 1 << 1;
constexpr uint32_t kTutorialTimes = 1 << 2;
constexpr std::size_t kAlignment = 16;
constexpr char kDamaged[] = "the image's header contradicts itself";

// Reads the header from front to back, little endian.
class HeaderReader {
 public:
  explicit HeaderReader(Span<const uint8_t> bytes) : bytes_(bytes) {}

  // Numbers that stay where they are: `count` words, 4-byte aligned. nullptr beyond the end.
  const uint32_t* Words(std::size_t count) {
    const std::size_t start = at_;
    at_ += count * sizeof(uint32_t);
    const uint8_t* const words = bytes_.data() + start;
    return at_ <= bytes_.size() ? reinterpret_cast<const uint32_t*>(words) : nullptr;
  }

  uint16_t U16() { return static_cast<uint16_t>(Number(2)); }
  uint32_t U32() { return Number(4); }

  // The text up to the next zero byte, nullptr when there is none.
  const char* Text() {
    const std::size_t start = at_;
    while (at_ < bytes_.size() && bytes_[at_] != 0) {
      ++at_;
    }
    if (at_ >= bytes_.size()) {
      return nullptr;
    }
    ++at_;
    return reinterpret_cast<const char*>(bytes_.data() + start);
  }

 private:
  uint32_t Number(std::size_t size) {
    uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i, ++at_) {
      const uint32_t byte = at_ < bytes_.size() ? bytes_[at_] : 0u;
      value |= byte << (8 * i);
    }
    return value;
  }

  Span<const uint8_t> bytes_;
  std::size_t at_ = 0;
};

struct Sizes {
  uint16_t header_bytes;
  uint32_t model_bytes;
};

const char* ReadSizes(Span<const uint8_t> image, HeaderReader* header, Sizes* sizes) {
  if (image.size() < kFixedBytes || header->U32() != kMagic || header->U16() != kVersion) {
    return "not a model image of this version";
  }
  sizes->header_bytes = header->U16();
  sizes->model_bytes = header->U32();
  const bool fits = sizes->header_bytes % kAlignment == 0 && sizes->header_bytes >= kFixedBytes &&
                    sizes->header_bytes <= image.size() &&
                    sizes->model_bytes <= image.size() - sizes->header_bytes;
  return fits ? nullptr : kDamaged;
}

// The gate's settings, a word each, `at` bytes into the header. False when they lie outside the
// header, or when the gate's ring, for inputs of `input_size`, needs more bytes than an address
// counts.
bool ReadGate(Span<const uint8_t> header, uint32_t at, uint32_t input_size, GateConfig* gate) {
  constexpr std::size_t kWords = 9;
  if (at > header.size() || header.size() - at < kWords * sizeof(uint32_t)) {
    return false;
  }
  HeaderReader words(header.Skip(at));
  gate->frame_samples = static_cast<uint16_t>(words.U32());
  gate->onset_frames = static_cast<uint16_t>(words.U32());
  gate->hold_frames = static_cast<uint16_t>(words.U32());
  gate->replay_inferences = static_cast<uint16_t>(words.U32());
  gate->runs_at_once = static_cast<uint16_t>(words.U32());
  gate->threshold_q16 = words.U32();
  gate->least_q16 = words.U32();
  gate->rise_q16 = words.U32();
  gate->fall_q16 = words.U32();
  return (uint64_t{gate->replay_inferences} + 1) * input_size <= INT32_MAX;
}

// Returns where the settings of a silence gate are: 0 for none.
uint32_t ReadDecoder(HeaderReader& header, DecoderConfig* decoder) {
  decoder->label_count = header.U16();
  decoder->silence_label = static_cast<int16_t>(header.U16());
  decoder->minimum_count = header.U16();
  decoder->frame_capacity = header.U16();
  decoder->average_window_ms = header.U32();
  decoder->threshold_q16 = header.U32();
  decoder->suppression_ms = header.U32();
  decoder->hysteresis_q16 = header.U32();
  const uint32_t flags = header.U32();
  const bool streaming = (flags & kStreaming) != 0;
  decoder->mode = streaming ? DecoderMode::kStreaming : DecoderMode::kRecognizeCommands;
  decoder->retrigger = (flags & kRetrigger) != 0;
  decoder->tutorial_times = (flags & kTutorialTimes) != 0;
  const uint32_t gate_at = header.U32();
  decoder->thresholds_q16 = header.Words(decoder->label_count);
  return gate_at;
}

bool IsScale(int32_t multiplier, int32_t shift) {
  return multiplier >= 1 << 30 && shift >= 32 && shift <= 62;
}

}  // namespace

void ModelImage::Set(const ModelBundle& built_in) {
  bundle = built_in;
  input_scale_bits = 0;
}

const char* ModelImage::Set(Span<const uint8_t> image, const ModelBundle& built_in) {
  HeaderReader header(image);
  Sizes sizes = {};
  if (const char* reason = ReadSizes(image, &header, &sizes)) {
    return reason;
  }
  if (header.U32() != built_in.front_end_crc) {
    return "made for another front end than the compiled-in one";
  }
  bundle = built_in;
  bundle.model = image.Skip(sizes.header_bytes).First(sizes.model_bytes);
  input_scale_bits = header.U32();
  front_end = *built_in.front_end;
  front_end.zero_point = static_cast<int16_t>(header.U32());
  front_end.multiplier = static_cast<int32_t>(header.U32());
  front_end.shift = static_cast<int32_t>(header.U32());
  bundle.front_end = &front_end;
  const uint32_t gate_at = ReadDecoder(header, &bundle.decoder);
  bundle.gate = gate_at == 0 ? nullptr : built_in.slot_gate;
  bundle.gate_config = &gate_config;
  const uint32_t input_size = uint32_t{bundle.feature_count} * bundle.window_frames;
  if (bundle.gate != nullptr &&
      !ReadGate(image.First(sizes.header_bytes), gate_at, input_size, &gate_config)) {
    return kDamaged;
  }
  bundle.label_count = bundle.decoder.label_count;
  bundle.sha256 = header.Text();
  bundle.name = header.Text();
  if (bundle.label_count > kMaxLabels || bundle.decoder.thresholds_q16 == nullptr ||
      !IsScale(front_end.multiplier, front_end.shift)) {
    return kDamaged;
  }
  const char* last = bundle.name;
  for (std::size_t i = 0; i < bundle.label_count; ++i) {
    labels[i] = last = header.Text();
  }
  bundle.labels = labels;
  return last == nullptr ? kDamaged : nullptr;
}

}  // namespace stapes
