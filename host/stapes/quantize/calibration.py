"""Ranges of states and activations over real features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stapes.quantize.layers import AddLayer, Layer, SvdfLayer

# Rare outliers are given up in favour of finer steps for all the rest.
_OUTLIERS_PERCENT = 0.005


@dataclass(frozen=True, kw_only=True)
class Ranges:
    """Of one layer: per filter the largest magnitude of its state (None without state), and the
    output's range, which always includes 0."""

    state: np.ndarray | None
    low: float
    high: float


def calibrate(layers: Sequence[Layer], features: np.ndarray) -> list[Ranges]:
    """Runs float32 [clips, frames, features] through the layers; one `Ranges` for each."""
    ranges, activations = [], features.astype(np.float32)
    inputs = []  # of every layer so far
    for layer in layers:
        inputs.append(activations)
        state = None
        if isinstance(layer, SvdfLayer):
            states = layer.states(activations)
            state = np.abs(states).max(axis=(0, 1))
            activations = layer.outputs(states).astype(np.float32)
        elif isinstance(layer, AddLayer):
            activations = layer.outputs(activations, inputs[-1 - layer.back])
        else:
            activations = layer.outputs(activations).astype(np.float32)
        low, high = np.percentile(activations, [_OUTLIERS_PERCENT, 100 - _OUTLIERS_PERCENT])
        ranges.append(Ranges(state=state, low=min(float(low), 0.0), high=max(float(high), 1e-6)))
    return ranges
