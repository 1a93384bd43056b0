# SPDX-License-Identifier: Apache-2.0
"""Finds the silence gate with which the network runs least and loses no words, or very few.

The network's scores are computed once, without a gate. While a gate is open, the scores are as if
the network had always run. So each gate that is tried only says which of these scores are replaced
by silence.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stapes.device.bundle import ModelBundle
from stapes.device.gate import gate_config, network_memory
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.model.settings import DecoderSettings, GateSettings, ModelSettings
from stapes.options import check, like, setting
from stapes.stream.accuracy import ScoreSettings, StreamScore
from stapes.stream.curve import Material, score_material
from stapes.stream.score_track import ScoreTrack

# Gates that save nearly as much as the best one, within this share of the frames, count as equally
# good: the most sensitive of them is taken.
NEARLY_AS_GOOD = 0.02


@dataclass(frozen=True, kw_only=True)
class GateTuneSettings:
    """What to try, and what a gate may cost, in percent of the words."""

    gate_loss_percent: float = setting(
        0.2, least=0, most=100, metavar="PERCENT", help="words that the gate may lose"
    )
    gate_threshold_db: tuple[float, ...] = like(
        GateSettings, "threshold_db", default=(9.0, 12.0, 15.0, 18.0, 24.0), shortest=1,
        metavar="DB,...", help="thresholds of the gate to try",
    )  # fmt: skip
    gate_least_db: tuple[float, ...] = like(
        GateSettings, "least_db", default=(-75.0, -65.0, -60.0, -55.0), shortest=1,
        metavar="DB,...", help="lowest levels of quiet to try",
    )  # fmt: skip
    gate_onset_ms: tuple[int, ...] = like(
        GateSettings, "onset_ms", default=(60, 120), shortest=1,
        metavar="MS,...", help="times that a sound must last to try",
    )  # fmt: skip
    gate_hold_ms: tuple[int, ...] = like(
        GateSettings, "hold_ms", default=(500, 800, 1200), shortest=1,
        metavar="MS,...", help="times that the gate stays open to try",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check(self)

    def gates(self, start: GateSettings) -> list[GateSettings]:
        """All combinations; settings that are not tried stay as in `start`."""
        tried = itertools.product(
            self.gate_threshold_db, self.gate_least_db, self.gate_onset_ms, self.gate_hold_ms
        )
        return [
            replace(start, threshold_db=high, least_db=least, onset_ms=onset, hold_ms=hold)
            for high, least, onset, hold in tried
        ]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Audio, int16 [samples], the scores of the network without a gate, and what is said in it."""

    samples: NDArray[np.int16]
    material: Material


@dataclass(frozen=True, kw_only=True)
class GateScore:
    """The scores of some audio `without` a gate and `behind` the gate, and the work that is left:
    `runs` of the network with the gate, `inferences` without it."""

    gate: GateSettings
    without: StreamScore
    behind: StreamScore
    runs: int
    skipped: int
    openings: int
    inferences: int

    @property
    def duty(self) -> float:
        """Runs of the network in proportion to those without a gate."""
        return self.runs / max(self.inferences, 1)

    @property
    def lost_percent(self) -> float:
        """Words that the gate loses, in percent of all words; below 0 if it gains some."""
        return 100 * (self.without.correct - self.behind.correct) / max(self.without.words, 1)

    def figures(self) -> dict[str, float]:
        """JSON-ready."""
        return {
            "words": self.without.words,
            "correct_without": self.without.correct,
            "correct_behind": self.behind.correct,
            "lost_percent": round(self.lost_percent, 3),
            "false_accepts_without": self.without.false_accepts,
            "false_accepts_behind": self.behind.false_accepts,
            "frames": self.inferences,
            "skipped": self.skipped,
            "openings": self.openings,
            "duty": round(self.duty, 4),
        }


def base_gate(bundle: ModelBundle) -> GateSettings:
    """The model's gate, or the default one, with the inputs that its network remembers.

    Raises:
        StapesError: the network does not forget, so that no gate fits it.
    """
    return replace(bundle.settings.gate or GateSettings(), replay_inferences=network_memory(bundle))


def score_gate(
    recordings: Sequence[Recording],
    gate: GateSettings,
    decoder: DecoderSettings,
    *,
    scoring: ScoreSettings,
) -> GateScore:
    """Decodes all audio without the gate and behind it."""
    tracks = [piece.material.track.gated(gate, piece.samples) for piece in recordings]
    pairs = zip(recordings, tracks, strict=True)
    gated = [replace(piece.material, track=track) for piece, track in pairs]
    uses = [track.gate for track in tracks if track.gate is not None]
    return GateScore(
        gate=gate,
        without=score_material([p.material for p in recordings], decoder, settings=scoring),
        behind=score_material(gated, decoder, settings=scoring),
        runs=sum(use.runs for use in uses),
        skipped=sum(use.skipped for use in uses),
        openings=sum(use.openings for use in uses),
        inferences=sum(len(use.is_open) for use in uses),
    )


def tune_gate(
    recordings: Sequence[Recording],
    decoder: DecoderSettings,
    *,
    start: GateSettings,
    settings: GateTuneSettings,
    scoring: ScoreSettings,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda gates: None,
) -> GateScore:
    """Of all gates that lose at most `gate_loss_percent` and add no false accept, the one with
    which the network runs least. If several are nearly as good, the most sensitive of them.

    Args:
        recordings: audio with words, scored by a model without a gate.
        decoder: the decoder to measure with.
        start: settings that are not tried stay as they are here.
        settings: what to try, and how many words may be lost.
        scoring: how detections belong to words.
        workers: threads; the result is the same for any number.
        progress: called with the gates tried so far.

    Raises:
        StapesError: every gate loses more than is allowed.
    """
    model = recordings[0].material.track.settings
    gates = [gate for gate in settings.gates(start) if _catches_up(model, gate)]
    lock, done = threading.Lock(), itertools.count(1)

    def score(gate: GateSettings) -> GateScore:
        found = score_gate(recordings, gate, decoder, scoring=scoring)
        with lock:
            progress(next(done))
        return found

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        scores = list(pool.map(score, gates))
    fit = [found for found in scores if is_affordable(found, settings)]
    if not fit:
        least = min((found.lost_percent for found in scores), default=100.0)
        limit = settings.gate_loss_percent
        raise StapesError(
            f"the silence gate: found none of {len(gates)} that loses {limit:g}% of the words or "
            f"fewer without more false accepts (the best loses {least:.2f}%); allow more by "
            "--gate_loss_percent, try others, or leave the gate out"
        )
    best = min(found.duty for found in fit)
    return min((found for found in fit if found.duty <= best + NEARLY_AS_GOOD), key=_boldness)


def is_affordable(score: GateScore, settings: GateTuneSettings) -> bool:
    """Whether the gate loses no more than `settings` allow, and adds no false accept."""
    return (
        score.lost_percent <= settings.gate_loss_percent
        and score.behind.false_accepts <= score.without.false_accepts
    )


def _catches_up(model: ModelSettings, gate: GateSettings) -> bool:
    try:
        gate_config(replace(model, gate=gate))
    except StapesError:
        return False
    return True


def _boldness(score: GateScore) -> tuple[float, ...]:
    """Smaller means more sensitive: quieter and shorter sounds open the gate, and it stays open
    longer."""
    gate = score.gate
    return (gate.threshold_db + gate.least_db, gate.onset_ms, -gate.hold_ms, score.duty)


def check_as_if_always_run(
    bundle: ModelBundle, gate: GateSettings, recordings: Sequence[Recording]
) -> None:
    """Runs the firmware's pipeline with the gate over the audio and compares all scores with those
    of `ScoreTrack.gated`.

    Raises:
        StapesError: a score differs.
    """
    gated = replace(bundle, settings=replace(bundle.settings, gate=gate))
    for piece in recordings:
        expected: ScoreTrack = piece.material.track.gated(gate, piece.samples)
        heard = Pipeline(gated).process_all(np.asarray(piece.samples)).scores
        if not np.array_equal(heard, expected.scores):
            frame = int(np.flatnonzero((heard != expected.scores).any(1))[0])
            raise StapesError(
                f"the silence gate: found other scores behind it at inference {frame} than without "
                f"it, expected the same (this network remembers more than {gate.replay_inferences} "
                "inputs); leave the gate out"
            )
