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

# Rare outliers are given up in favour of finer steps for all the rest.
_OUTLIERS_PERCENT = 0.005
_BATCH_CLIPS = 50
# Percentiles are those of at most so many values of each layer.
KEPT_VALUES = 2_000_000
# e^-8 is a twelfth of 1/256, the step of a score.
_VISIBLE_LOGITS = 8.0


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Of one layer: per filter the largest magnitude of its state (None without state), and the
    output's range, which always includes 0; of the last layer, of what the softmax can see."""

    state: np.ndarray | None
    low: float
    high: float


def calibrate(layers: Sequence[Layer], features: np.ndarray) -> list[Ranges]:
    """Runs float32 [clips, frames, features] through the layers, of which the last makes logits;
    one `Ranges` for each."""
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
    """Of each layer the states (None without any) and the outputs, in float32."""
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
    """[..., labels], those far below their clip's largest raised to where the softmax still makes
    nothing of them. Labels that are out of the question would else cost steps that tell likely
    ones apart."""
    return tf.maximum(logits, tf.reduce_max(logits, axis=-1, keepdims=True) - _VISIBLE_LOGITS)


def _sample(output: np.ndarray, count: int) -> np.ndarray:
    """About `count` of the values of [clips, ...], in turn from every place and channel."""
    step = max(output.size // count, 1)
    # A step that shares a factor with the shape would never meet some of the channels.
    while math.gcd(step, output[0].size) > 1:
        step += 1
    return output.ravel()[::step].copy()


def _ranges(values: np.ndarray, state: np.ndarray | None) -> Ranges:
    low, high = np.percentile(values, [_OUTLIERS_PERCENT, 100 - _OUTLIERS_PERCENT])
    return Ranges(state=state, low=min(float(low), 0.0), high=max(float(high), 1e-6))
