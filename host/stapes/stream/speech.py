# SPDX-License-Identifier: Apache-2.0
"""Where in a clip the speech is: for the end of a word, and for its level."""

from __future__ import annotations

import numpy as np

FRAME_MS = 10
BELOW_PEAK_DB = 25.0  # a frame so far below the loudest part is no speech
ABOVE_FLOOR_DB = 6.0  # a frame less far above the clip's own noise is no speech
FLOOR_PERCENTILE = 10
SHORTEST_BURST_FRAMES = 3  # clicks are shorter


def speech_span(samples: np.ndarray, *, sample_rate: int) -> tuple[int, int]:
    """First and one past the last sample of the speech in a clip, int16 [samples].

    Frames of 10 ms count as speech when their level is within 25 dB of the loudest and 6 dB above
    the clip's own noise (its 10th percentile), in runs of 3 or more. The whole clip if no frame is.
    An estimate: good to some tens of milliseconds in quiet recordings, worse in noisy ones.
    """
    size = max(1, sample_rate * FRAME_MS // 1000)
    count = len(samples) // size
    if count < SHORTEST_BURST_FRAMES:
        return 0, len(samples)
    frames = samples[: count * size].astype(np.float64).reshape(count, size)
    level_db = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-3)
    floor = np.percentile(level_db, FLOOR_PERCENTILE)
    loud = level_db > max(level_db.max() - BELOW_PEAK_DB, floor + ABOVE_FLOOR_DB)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud, [0]))))
    bursts = edges.reshape(-1, 2)
    bursts = bursts[bursts[:, 1] - bursts[:, 0] >= SHORTEST_BURST_FRAMES]
    if not len(bursts):
        return 0, len(samples)
    return int(bursts[0, 0]) * size, int(bursts[-1, 1]) * size


def rms(samples: np.ndarray) -> float:
    """Root mean square; 0 of no samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
