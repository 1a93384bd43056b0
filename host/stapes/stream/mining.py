# SPDX-License-Identifier: Apache-2.0
"""Hard examples: sounds that a model takes for a word in audio without words.

The scores are decoded by the firmware's decoder, with a short window and a low threshold, so that
sounds that are nearly detected are found too, whatever the model's own decoder is tuned to.
Each find is cut out with a margin, and ranked by its score; of finds that sound the same, only one
is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stapes.audio.reader import read_audio
from stapes.device.front_end import FrontEnd
from stapes.model.settings import DecoderSettings, ModelSettings
from stapes.options import check, setting
from stapes.stream.score_track import compute_scores

AVERAGE_MS = 100
MARGIN_MS = 200  # on both sides of a clip: training takes its windows from anywhere in between


@dataclass(frozen=True, kw_only=True)
class MiningSettings:
    """What counts as a find, and how many are kept.

    `threshold` is the least mean score over AVERAGE_MS. Two finds are the same sound where the
    correlation of their features is above `same_above`. `most` of each label are kept.
    """

    threshold: float = setting(0.5, least=0, most=1, help="smallest averaged score of a find")
    same_above: float = setting(
        0.95, least=0, most=1, help="correlation of features above which two finds are one"
    )
    most: int = setting(500, least=1, most=100_000, help="finds to keep of each label")

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Find:
    """A detection where no word was said: its time in the recording and its sound, int16."""

    label: str
    score: float
    time_ms: float
    recording: Path
    samples: np.ndarray


def mine(
    model: bytes,
    settings: ModelSettings,
    recordings: Sequence[Path],
    *,
    mining: MiningSettings,
    source: str = "model",
    resample: bool = False,
    progress: Callable[[int], None] = lambda recordings: None,
) -> list[Find]:
    """All finds, the surest first.

    Args:
        recordings: audio in which none of the model's words is said.
        source: names the model in error messages.
        progress: called with the recordings done so far.

    Raises:
        StapesError: a recording cannot be read, or the model is refused.
    """
    decoder = DecoderSettings(
        mode="streaming",
        average_window_duration_ms=AVERAGE_MS,
        minimum_count=1,
        detection_threshold=mining.threshold,
    )
    finds: list[Find] = []
    for number, path in enumerate(recordings, start=1):
        samples = read_audio(path, sample_rate=settings.front_end.sample_rate, resample=resample)
        finds += _finds(model, settings, path, samples, decoder, source)
        progress(number)
    return _kept(finds, settings, mining)


def _finds(
    model: bytes,
    settings: ModelSettings,
    path: Path,
    samples: np.ndarray,
    decoder: DecoderSettings,
    source: str,
) -> list[Find]:
    track = compute_scores(model, settings, samples, source=source)
    return [
        Find(
            label=found.label,
            score=found.score,
            time_ms=found.time_ms,
            recording=path,
            samples=_cut(samples, found.time_ms, settings),
        )
        for found in track.decode(decoder)  # in streaming mode: only words
    ]


def _cut(samples: np.ndarray, time_ms: float, settings: ModelSettings) -> np.ndarray:
    """The clip that ends at `time_ms`, with its margins: int16, with zeros before the beginning and
    after the end of the recording."""
    rate = settings.front_end.sample_rate
    length = (settings.clip_duration_ms + 2 * MARGIN_MS) * rate // 1000
    last = int((time_ms + MARGIN_MS) * rate / 1000)
    cut = np.zeros(length, np.int16)
    part = samples[max(0, last - length) : last]
    start = max(0, length - last)
    cut[start : start + len(part)] = part
    return cut


def _kept(finds: list[Find], settings: ModelSettings, mining: MiningSettings) -> list[Find]:
    front_end = FrontEnd(settings.front_end, scale=0.1, zero_point=0)
    kept: list[Find] = []
    sounds: dict[str, list[np.ndarray]] = {label: [] for label in settings.labels}
    for find in sorted(finds, key=lambda find: (-find.score, str(find.recording), find.time_ms)):
        earlier = sounds[find.label]
        if len(earlier) >= mining.most:
            continue
        sound = _normalized(front_end.compute_features(find.samples[None], threads=1)[0])
        if all(min(float(other @ sound), 1.0) <= mining.same_above for other in earlier):
            kept.append(find)
            earlier.append(sound)
    return kept


def _normalized(features: np.ndarray) -> np.ndarray:
    """Features of mean 0 and length 1, so that a product of two is their correlation."""
    values = features.astype(np.float32).ravel()
    values -= values.mean()
    return values / max(float(np.linalg.norm(values)), 1e-9)
