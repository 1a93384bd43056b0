# SPDX-License-Identifier: Apache-2.0
"""The firmware's silence gate (app/silence_gate.h) on the host: which frames the network must see,
what that saves, and how many frames a network remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stapes import _native
from stapes.errors import StapesError
from stapes.model.settings import (
    MAX_REPLAY_INFERENCES,
    SILENCE_LABEL,
    FrontEndSettings,
    ModelSettings,
)

if TYPE_CHECKING:
    from stapes.device.bundle import ModelBundle

BLOCK_SAMPLES = 8
FULL_SCALE = 32768
Q16 = 65536
DB_PER_OCTAVE = 20 * math.log10(2)
MEMORY_TRIALS = 6
_MOST_SAMPLES = 4_000_000  # SampleClock::kMostSamples


def native_gate(settings: ModelSettings) -> _native.GateConfig | None:
    """GateConfig of silence_gate.h, as the settings say; None without a gate.

    Raises:
        StapesError: the gate would close before the network has seen the frames that it missed, or
            keep so many that the firmware's clock does not count back to the first of them.
    """
    return None if settings.gate is None else _native.GateConfig(**gate_config(settings))


def gate_config(settings: ModelSettings) -> dict[str, int]:
    """The fields of GateConfig of a model with a gate.

    Raises:
        StapesError: the gate would close before the network has seen the frames that it missed.
    """
    gate, front_end = settings.gate, settings.front_end
    assert gate is not None
    stride_ms = 1000 * front_end.stride_samples / front_end.sample_rate
    hold = max(1, round(gate.hold_ms / stride_ms))
    needed = -(-gate.replay_inferences // (gate.runs_at_once - 1)) * settings.clip_stride_frames
    if hold < needed:
        raise StapesError(
            f"hold_ms={gate.hold_ms}: found a gate that closes before the network has seen the "
            f"{gate.replay_inferences} inputs that it missed, expected {needed * stride_ms:.0f} ms "
            "or more, or more runs_at_once"
        )
    most = _MOST_SAMPLES // (front_end.stride_samples * settings.clip_stride_frames) - 2
    if gate.replay_inferences > most:
        raise StapesError(
            f"replay_inferences={gate.replay_inferences}: found more inputs than the firmware's "
            f"clock counts back, expected at most {max(most, 0)}, as one takes "
            f"{stride_ms * settings.clip_stride_frames:g} ms; take a shorter stride"
        )
    return {
        "frame_samples": _frame_samples(front_end),
        "onset_frames": max(1, round(gate.onset_ms / stride_ms)),
        "hold_frames": hold,
        "replay_inferences": gate.replay_inferences,
        "runs_at_once": gate.runs_at_once,
        "threshold_q16": threshold_q16(gate.threshold_db),
        "least_q16": least_q16(gate.least_db, front_end),
        "rise_q16": _rate_q16(stride_ms, gate.rise_ms),
        "fall_q16": _rate_q16(stride_ms, gate.fall_ms),
    }


def threshold_q16(decibels: float) -> int:
    """A difference of levels as the gate counts it: log2, Q16."""
    return round(decibels / DB_PER_OCTAVE * Q16)


def least_q16(decibels: float, front_end: FrontEndSettings) -> int:
    """A level below full scale as the gate counts it: log2 of the sum of magnitudes, Q16."""
    full = math.log2(_frame_samples(front_end) * FULL_SCALE)
    return max(0, round((full + decibels / DB_PER_OCTAVE) * Q16))


def _frame_samples(front_end: FrontEndSettings) -> int:
    """How many samples of a frame are new (in no earlier frame), in whole blocks."""
    samples = min(front_end.window_samples, max(front_end.stride_samples, BLOCK_SAMPLES))
    return samples // BLOCK_SAMPLES * BLOCK_SAMPLES


def _rate_q16(stride_ms: float, time_constant_ms: float) -> int:
    return max(1, round((1 - math.exp(-stride_ms / time_constant_ms)) * Q16))


def gate_ring_bytes(settings: ModelSettings) -> int:
    """RAM that the gate keeps inputs in: GateRingBytes of silence_gate.h."""
    if settings.gate is None or settings.gate.replay_inferences == 0:
        return 0
    return (settings.gate.replay_inferences + 1) * settings.input_size


@dataclass(frozen=True, kw_only=True)
class GateUse:
    """What a gate does with some audio: which inferences it lets through, bool [inferences]; how
    often the network runs, replayed frames included; how often the gate opens."""

    is_open: NDArray[np.bool_]
    runs: int
    openings: int

    @property
    def skipped(self) -> int:
        """Inferences that are scored as silence."""
        return int(np.count_nonzero(~self.is_open))

    @property
    def duty(self) -> float:
        """Runs of the network in proportion to those without a gate; 1 without audio."""
        return self.runs / len(self.is_open) if len(self.is_open) else 1.0

    def figures(self) -> dict[str, float]:
        """JSON-ready."""
        return {
            "frames": len(self.is_open),
            "skipped": self.skipped,
            "openings": self.openings,
            "duty": round(self.duty, 4),
        }


def use_gate(settings: ModelSettings, samples: NDArray[np.int16]) -> GateUse:
    """What the gate of a model does with int16 [n] from a fresh start.

    Raises:
        StapesError: the gate's settings contradict each other.
    """
    front_end, gate, native = settings.front_end, settings.gate, native_gate(settings)
    assert gate is not None and native is not None
    frames: Any = _native.gate_open(
        native,
        np.ascontiguousarray(samples, np.int16),
        window_samples=front_end.window_samples,
        stride_samples=front_end.stride_samples,
    )
    is_open: NDArray[np.bool_] = frames[settings.window_frames - 1 :: settings.clip_stride_frames]
    openings, closings = _edges(is_open)
    missed = openings - closings[: len(openings)]
    replayed = np.minimum(missed, gate.replay_inferences) if len(openings) else missed
    return GateUse(
        is_open=is_open,
        runs=int(np.count_nonzero(is_open) + replayed.sum()),
        openings=len(openings),
    )


def _edges(is_open: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where a gate opens, and where it closes; it starts open, so a closing comes first."""
    changes = np.flatnonzero(np.diff(is_open.astype(np.int8), prepend=1))
    return changes[1::2], changes[0::2]


def silence_scores(settings: ModelSettings) -> NDArray[np.int8]:
    """The scores that replace the network's scores while the gate is closed, int8 [labels]."""
    scores = np.full(len(settings.labels), -128, np.int8)
    if SILENCE_LABEL in settings.labels:
        scores[settings.labels.index(SILENCE_LABEL)] = 127
    return scores


def network_memory(bundle: ModelBundle) -> int:
    """On how many earlier inputs the scores of an input depend, at most; 0 for a network without
    a memory.

    Two pipelines that have heard different audio hear the same frames until their states are equal,
    byte for byte. From then on, they behave equally.

    Raises:
        StapesError: the network does not forget within MAX_REPLAY_INFERENCES inputs.
    """
    from stapes.device.pipeline import Pipeline

    plain = replace(bundle, settings=replace(bundle.settings, gate=None))
    random = np.random.default_rng(16)

    def frames(count: int) -> NDArray[np.int8]:
        shape = (count, plain.settings.front_end.feature_count)
        return random.integers(-128, 128, shape).astype(np.int8)

    window, stride = plain.settings.window_frames, plain.settings.clip_stride_frames
    longest = 0
    for _ in range(MEMORY_TRIALS):
        one, other = Pipeline(plain), Pipeline(plain)
        one.process_frames(frames(64 * stride))
        other.process_frames(frames(64 * stride))
        same = frames(window - 1 + MAX_REPLAY_INFERENCES * stride)
        for pipeline in (one, other):  # from now on, windows hold only such frames
            pipeline.process_frames(same[: window - 1])
        longest = max(longest, _inputs_until_equal(one, other, same[window - 1 :], stride))
    return longest


def _inputs_until_equal(one: Any, other: Any, frames: NDArray[np.int8], stride: int) -> int:
    for start in range(0, len(frames), stride):
        if one.state == other.state:
            return start // stride
        one.process_frames(frames[start : start + stride])
        other.process_frames(frames[start : start + stride])
    raise StapesError(
        f"found a network that remembers more than {len(frames) // stride} inputs, expected one "
        "that forgets: a silence gate shows it only the newest; leave the gate out"
    )
