# SPDX-License-Identifier: Apache-2.0
"""Cuts recordings down to their loudest part, so that the word has the same place in all clips.

The rule is that of Pete Warden's extract_loudest_section, to which the tutorial points: the
window whose samples have the largest sum of absolute values, the first one of several.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.audio.reader import audio_files, read_audio
from stapes.audio.wav import write_wav
from stapes.corpus.attribution import copy_attribution
from stapes.corpus.index import BACKGROUND_NOISE_FOLDER, CorpusSettings
from stapes.errors import StapesError
from stapes.files import new_folder
from stapes.model.settings import FrontEndSettings, ModelSettings
from stapes.options import check, like, setting


@dataclass(frozen=True, kw_only=True)
class TrimSettings:
    """Clips whose loudest part has a mean absolute value below `min_volume` (of 1) are left out."""

    clip_duration_ms: int = like(ModelSettings, "clip_duration_ms", help="length to keep")
    min_volume: float = setting(
        0.004, least=0, most=1, help="smallest mean of the absolute samples"
    )
    sample_rate: int = like(
        FrontEndSettings, "sample_rate", least=1000, most=192000, help="Hz, of recordings and clips"
    )
    resample: bool = like(CorpusSettings, "resample")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Trimmed:
    """How many clips were written, and the names of those that were too quiet."""

    written: int
    quiet: list[str]


def loudest_section(samples: np.ndarray, length: int) -> np.ndarray:
    """The loudest `length` samples of int16 [samples]; all of them if there are no more."""
    if len(samples) <= length:
        return samples
    volume = np.concatenate([[0], np.cumsum(np.abs(samples.astype(np.int64)))])
    start = int(np.argmax(volume[length:] - volume[:-length]))
    return samples[start : start + length]


def trim_corpus(
    data_dir: Path,
    output_dir: Path,
    settings: TrimSettings,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Trimmed:
    """Writes the loudest section of every recording below `data_dir`, as WAV, to the same place
    below `output_dir`, which appears whole or not at all. Background recordings stay whole, and
    the ATTRIBUTION.txt files are copied.

    Raises:
        StapesError: nothing to read, a recording that does not fit, nowhere to write.
    """
    paths = audio_files(data_dir, "**/*") if data_dir.is_dir() else []
    if not paths:
        raise StapesError(f"{data_dir}: found no recordings, expected some; check --data_dir")
    if output_dir.resolve().is_relative_to(data_dir.resolve()):
        raise StapesError(
            f"{output_dir}: found a place inside {data_dir}, where the next run would take the "
            "clips for recordings; choose an --output_dir outside"
        )
    length = settings.sample_rate * settings.clip_duration_ms // 1000
    quiet, targets = [], set()
    with new_folder(output_dir) as folder:
        for number, path in enumerate(paths):
            samples = read_audio(path, sample_rate=settings.sample_rate, resample=settings.resample)
            place = path.relative_to(data_dir)
            if path.parent.name != BACKGROUND_NOISE_FOLDER:
                samples = loudest_section(samples, length)
                if np.abs(samples / 32768).mean() < settings.min_volume:
                    quiet.append(str(place))
                    continue
            target = folder / place.with_suffix(".wav")
            if target in targets:
                raise StapesError(
                    f"{path}: found the same name with another suffix beside it, expected "
                    "different names; rename one"
                )
            targets.add(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_wav(target, samples, sample_rate=settings.sample_rate)
            progress(number + 1, len(paths))
        copy_attribution(data_dir, folder)
    return Trimmed(written=len(targets), quiet=quiet)
