/* SPDX-License-Identifier: Apache-2.0 */
/* The same for C, with a single spotter. KeywordSpotter.h explains the calls. */
#ifndef STAPES_SPOTTER_C_H_
#define STAPES_SPOTTER_C_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  const char* label;
  uint16_t index;
  uint32_t time_ms;
  uint32_t score_q16; /* 65536 is 1.0 */
  bool is_wake_word;
} stapes_word;

/* NULL, or why the model cannot run. */
const char* stapes_begin(void);
/* 16-bit samples, mono, stapes_samples_per_second() of them a second. */
void stapes_push(const int16_t* samples, size_t count);
/* The oldest word that was not fetched yet; false: there is none. */
bool stapes_next(stapes_word* word);
bool stapes_set_threshold(uint16_t index, uint32_t threshold_q16);
bool stapes_awake(void);
uint32_t stapes_samples_per_second(void);

#ifdef __cplusplus
}
#endif

#endif /* STAPES_SPOTTER_C_H_ */
