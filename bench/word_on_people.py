#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a wake word's model loses of people's recordings, against its false accepts elsewhere.

    bench/word_on_people.py MODEL --recordings jarvis --speech SPEECH --noise NOISE --talk TALK.wav

--recordings is a folder of people who say a word of the model; its name is the word. --speech and
--noise are folders of sound in which nobody says it, --talk is one long recording, such as
WORK_DIR/test_talk.wav of `stapes word`. All flags but --average_ms may be repeated. For each of
some thresholds: the share of recordings that is lost, and how many false accepts there are. Then
the share that is lost where all of it gives 2, 4, 8 and 16 false accepts, and the mean of the four:
one number, by which to compare trainings.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from stapes.audio.reader import audio_files, read_audio
from stapes.model.metadata import load_model
from stapes.stream.curve import Material, at_threshold, score_material
from stapes.stream.score_track import ScoreTrack, compute_scores
from stapes.word.card import recorded, scoring

RATE = 16000
THRESHOLDS = tuple(round(0.3 + 0.02 * number, 2) for number in range(34))
FALSE_ACCEPTS = (2, 4, 8, 16)


class Model:
    def __init__(self, path: Path, average_ms: int) -> None:
        self._path = path
        self._content, self._settings = load_model(path)
        self._decoder = replace(
            self._settings.decoder,
            mode="streaming",
            average_window_duration_ms=average_ms,
            suppression_ms=1000,
        )

    def track(self, paths: Iterable[Path]) -> ScoreTrack:
        """Recordings one after the other."""
        samples = np.concatenate([sound(path) for path in paths])
        return compute_scores(self._content, self._settings, samples, source=str(self._path))

    def people(self, folder: Path) -> Material:
        paths = audio_files(folder, "*")
        return recorded(paths, self._content, self._settings, source=str(self._path))

    def lost(self, people: Material, threshold: float) -> float:
        decoder = at_threshold(self._decoder, threshold)
        settings = scoring(people, self._settings)
        return score_material([people], decoder, settings=settings).false_reject_rate

    def accepts(self, tracks: Iterable[ScoreTrack], word: str, threshold: float) -> int:
        decoder = at_threshold(self._decoder, threshold)
        return sum(found.label == word for track in tracks for found in track.decode(decoder))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    for kind in ("recordings", "speech", "noise", "talk"):
        parser.add_argument(f"--{kind}", type=Path, action="append", default=[])
    parser.add_argument("--average_ms", type=int, default=400)
    arguments = parser.parse_args()
    model = Model(arguments.model, arguments.average_ms)
    others = {
        "speech": [model.track(audio_files(folder, "**/*")) for folder in arguments.speech],
        "noise": [model.track(audio_files(folder, "**/*")) for folder in arguments.noise],
        "talk": [model.track([path]) for path in arguments.talk],
    }
    for kind, tracks in others.items():
        print(f"{kind}: {sum(track.duration_ms for track in tracks) / 3.6e6:.2f} h")
    for folder in arguments.recordings:
        people = model.people(folder)
        print(f"{folder.name}: {len(people.ground_truth)} recordings\nthreshold  lost   " +
              "  ".join(others))  # fmt: skip
        rows = []
        for threshold in THRESHOLDS:
            counts = [model.accepts(others[kind], folder.name, threshold) for kind in others]
            rows.append((model.lost(people, threshold), sum(counts)))
            print(f"{threshold:9.2f}  {rows[-1][0]:5.1%}", *counts, sep="  ")
        print(summary(rows))


def summary(rows: list[tuple[float, int]]) -> str:
    """Of (share lost, false accepts) by threshold."""
    lost = [
        next((share for share, accepts in rows if accepts <= allowed), 1.0)
        for allowed in FALSE_ACCEPTS
    ]
    each = ", ".join(
        f"{share:.1%} ({allowed})" for share, allowed in zip(lost, FALSE_ACCEPTS, strict=True)
    )
    return f"lost at as many false accepts in all: {each}; mean {np.mean(lost):.1%}"


def sound(path: Path) -> np.ndarray:
    return read_audio(path, sample_rate=RATE, resample=True)


if __name__ == "__main__":
    main()
