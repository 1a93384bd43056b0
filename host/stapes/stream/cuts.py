# SPDX-License-Identifier: Apache-2.0
"""Cuts every miss, wrong word and false accept out of the audio, to listen to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stapes.audio.wav import write_wav
from stapes.errors import StapesError
from stapes.files import new_folder
from stapes.plain import clock
from stapes.stream.accuracy import ScoreSettings, StreamScore

MARGIN_MS = 500


def check_folder(folder: Path) -> None:
    """Checks that `folder` does not exist, or is empty: clips of two runs must not mix.

    Raises:
        StapesError: it exists and is not an empty folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StapesError(f"{folder}: found other files there, expected a new or empty folder")


def write_cuts(
    folder: Path,
    score: StreamScore,
    samples: np.ndarray,
    *,
    sample_rate: int,
    settings: ScoreSettings,
) -> int:
    """Writes one WAV for each event, named by kind, time and label; returns how many. The folder
    appears with all of them, or not at all.

    A cut holds the clip, or the clip's length before a false accept, and half a second around it.
    """
    clip = settings.clip_duration_ms
    events = [("miss", w.time_ms, w.time_ms + clip, w.label) for w in score.missed_words]
    events += [
        (
            "wrong",
            pair.spoken.time_ms,
            max(pair.spoken.time_ms + clip, pair.detected.time_ms),
            f"{pair.spoken.label}_as_{pair.detected.label}",
        )
        for pair in score.wrong_words
    ]
    events += [
        ("false_accept", e.time_ms - clip, e.time_ms, e.label)
        for e in score.false_accept_detections
    ]
    with new_folder(folder) as place:
        for number, (kind, start_ms, end_ms, label) in enumerate(events, start=1):
            first = max(0, int((start_ms - MARGIN_MS) * sample_rate / 1000))
            last = int((end_ms + MARGIN_MS) * sample_rate / 1000)
            time = clock(max(0, start_ms)).replace(":", "-")
            name = f"{kind}_{number:04}_{time}_{label}.wav"
            write_wav(place / name, np.array(samples[first:last]), sample_rate=sample_rate)
    return len(events)
