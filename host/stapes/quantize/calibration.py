# SPDX-License-Identifier: Apache-2.0
"""Ranges of states and activations over real features."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes.networks.backend import tf
from stapes.quantize.layers import AddLayer, Layer, SvdfLayer, with_arrays

# Rare outliers are cut off, so that all other values get finer steps.
_OUTLIERS_PERCENT = 0.005
_BATCH_CLIPS = 50
# Percentiles are those of at most so many values of each layer.
KEPT_VALUES = 2_000_000
# e^-8 is a twelfth of 1/256, the step of a score.
_VISIBLE_LOGITS = 8.0


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Ranges of one layer: for each filter the largest magnitude of its state (None without state),
    and the range of the output, which always includes 0. For the last layer, the output is that of
    `visible_logits`."""

    state: np.ndarray | None
    low: float
    high: float


def calibrate(layers: Sequence[Layer], features: np.ndarray) -> list[Ranges]:
    """Runs float32 [clips, frames, features] through the layers; the last layer makes logits.
    Returns one `Ranges` for each layer."""
    states: list[list[np.ndarray]] = [[] for _ in layers]
    outputs: list[list[np.ndarray]] = [[] for _ in layers]
    batches = range(0, len(features), _BATCH_CLIPS)
    kept = KEPT_VALUES // max(len(batches), 1)
    for start in batches:
        batch = features[start : start + _BATCH_CLIPS]
        for number, (state, output) in enumerate(activations(layers, batch)):
            if state is not None:
                states[number].append(np.abs(state).max(axis=(0, 1)))
            if number == len(layers) - 1:
                output = np.asarray(visible_logits(output))
            outputs[number].append(_sample(output, kept))
    return [
        _ranges(np.concatenate(values), np.max(state, axis=0) if state else None)
        for values, state in zip(outputs, states, strict=True)
    ]


def activations(
    layers: Sequence[Layer], features: np.ndarray
) -> Iterator[tuple[np.ndarray | None, np.ndarray]]:
    """For each layer its states (None if it has none) and its outputs, in float32."""
    values: Any = features.astype(np.float32)
    inputs = []  # of every layer so far
    for exact in layers:
        layer = with_arrays(exact, lambda array: array.astype(np.float32))
        inputs.append(values)
        state = None
        if isinstance(layer, SvdfLayer):
            state = layer.states(values)
            values = layer.outputs(state)
        elif isinstance(layer, AddLayer):
            values = layer.outputs(values, inputs[-1 - layer.back])
        else:
            values = layer.outputs(values)
        yield (None if state is None else state.numpy()), np.asarray(values)


def visible_logits(logits: Any) -> Any:
    """[..., labels]: logits far below the largest one of their clip are raised, but only so far
    that their softmax scores stay close to 0. Otherwise very unlikely labels would widen the range,
    and likely labels would have coarser steps."""
    return tf.maximum(logits, tf.reduce_max(logits, axis=-1, keepdims=True) - _VISIBLE_LOGITS)


def _sample(output: np.ndarray, count: int) -> np.ndarray:
    """About `count` of the values of [clips, ...], in turn from every place and channel."""
    step = max(output.size // count, 1)
    # A step that has a common factor with the size would never reach some channels.
    while math.gcd(step, output[0].size) > 1:
        step += 1
    return output.ravel()[::step].copy()


def _ranges(values: np.ndarray, state: np.ndarray | None) -> Ranges:
    low, high = np.percentile(values, [_OUTLIERS_PERCENT, 100 - _OUTLIERS_PERCENT])
    return Ranges(state=state, low=min(float(low), 0.0), high=max(float(high), 1e-6))
