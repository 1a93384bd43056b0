// SPDX-License-Identifier: Apache-2.0
// Zephyr's DMIC API (include/zephyr/audio/dmic.h) as far as the sample uses it. The microphone is
// standard input: a read fails at its end.
#pragma once

#include <zephyr/device.h>
#include <zephyr/kernel.h>

struct pdm_io_cfg {
  uint32_t min_pdm_clk_freq, max_pdm_clk_freq;
  uint8_t min_pdm_clk_dc, max_pdm_clk_dc, pdm_clk_pol, pdm_data_pol;
  uint32_t pdm_clk_skew;
};
struct pcm_stream_cfg {
  uint32_t pcm_rate;
  uint8_t pcm_width;
  uint16_t block_size;
  k_mem_slab* mem_slab;
};
struct pdm_chan_cfg {
  uint32_t req_chan_map_lo, req_chan_map_hi, act_chan_map_lo, act_chan_map_hi;
  uint8_t req_num_chan, act_num_chan, req_num_streams, act_num_streams;
};
struct dmic_cfg {
  pdm_io_cfg io;
  pcm_stream_cfg* streams;
  pdm_chan_cfg channel;
};
enum pdm_lr { PDM_CHAN_LEFT, PDM_CHAN_RIGHT };
enum dmic_trigger { DMIC_TRIGGER_STOP, DMIC_TRIGGER_START };

inline const pcm_stream_cfg* fake_stream = nullptr;
inline bool fake_runs = false;

inline uint32_t dmic_build_channel_map(uint8_t channel, uint8_t pdm, pdm_lr side) {
  return static_cast<uint32_t>(pdm << 1 | side) << (channel * 4);
}

inline int dmic_configure(const device*, dmic_cfg* config) {
  const pcm_stream_cfg& stream = config->streams[0];
  const bool wrong = config->channel.req_num_streams != 1 || config->channel.req_num_chan != 1 ||
                     stream.pcm_width != 16 || stream.block_size > stream.mem_slab->block_bytes;
  fake_stream = &stream;
  return wrong ? -22 : 0;
}

inline int dmic_trigger(const device*, enum dmic_trigger command) {
  fake_runs = fake_stream != nullptr && command == DMIC_TRIGGER_START;
  return fake_runs ? 0 : -5;
}

inline int dmic_read(const device*, uint8_t, void** buffer, std::size_t* size, int32_t) {
  alignas(4) static char block[4096];
  if (!fake_runs || fake_stream->mem_slab->blocks_out++ != 0) {
    return -12;  // a block was not given back
  }
  *size = std::fread(block, 1, fake_stream->block_size, stdin);
  *buffer = block;
  return *size > 0 ? 0 : -11;
}
