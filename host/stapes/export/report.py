# SPDX-License-Identifier: Apache-2.0
"""How much each layer loses to int8: the firmware's engine against the float network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from stapes.device.engine import Engine
from stapes.device.features import Quantization
from stapes.model.settings import ModelSettings
from stapes.quantize.calibration import Ranges, activations
from stapes.quantize.graph import build_part
from stapes.quantize.layers import Layer, ReshapeLayer, frames_at_once, is_streaming, stride_frames

_LEGEND = """SQNR: signal against quantization noise of all layers up to this one; 20 dB: 10 to 1
largest: the largest error, in int8 steps; beyond: share of values that int8 cannot hold"""


@dataclass(frozen=True, kw_only=True)
class LayerError:
    """A layer's int8 outputs against those of the float network, all layers before it included.

    Attributes:
        sqnr_db: signal to quantization noise ratio, 10 log10(sum float^2 / sum (float - int8)^2);
            None without a signal or without noise.
        step: one step of the int8 outputs, as a real number.
        largest_error: in these steps.
        beyond: share of the float outputs outside the range that int8 holds, 0 to 1.
    """

    name: str
    operator: str
    sqnr_db: float | None
    step: float
    largest_error: float
    beyond: float


def layer_errors(
    layers: Sequence[Layer],
    ranges: Sequence[Ranges],
    settings: ModelSettings,
    stored: np.ndarray,
    quantization: Quantization,
) -> list[LayerError]:
    """Errors of every layer over features as the device computes them, int8 [clips, frames,
    features], with this `quantization`.

    The range of the last layer leaves out values that are too small to matter in the softmax
    (`calibrate`): values below the range count as its low end.
    """
    real = quantization.real(stored)
    window_frames = frames_at_once(layers, settings.clip_frames)
    stride = stride_frames(layers) if is_streaming(layers) else 1
    errors = []
    for count, (layer, (_, exact)) in enumerate(
        zip(layers, activations(layers, real), strict=True), start=1
    ):
        if isinstance(layer, ReshapeLayer):
            continue
        model, output = build_part(
            layers[:count], ranges[:count], settings, quantization, window_frames=window_frames
        )
        engine = Engine.from_bytes(model, source=layer.name)
        found = _outputs(engine, stored, exact.shape, window_frames=window_frames, stride=stride)
        operator = engine.operators[-1]["name"]
        if count == len(layers):
            exact = np.maximum(exact, output.real(np.array(-128, np.int8)))
        errors.append(_error(layer.name, operator, exact.reshape(found.shape), found, output))
    return errors


def table(errors: Sequence[LayerError]) -> str:
    """The errors as text, one row per layer."""
    width = max(len(error.name) for error in errors) + 2
    lines = [f"{'layer':<{width}}{'operator':<20}{'SQNR, dB':>10}{'largest':>10}{'beyond':>10}"]
    for error in errors:
        ratio = "-" if error.sqnr_db is None else f"{error.sqnr_db:.1f}"
        lines.append(
            f"{error.name:<{width}}{error.operator:<20}{ratio:>10}"
            f"{error.largest_error:>10.1f}{100 * error.beyond:>9.3f}%"
        )
    return "\n".join([*lines, _LEGEND])


def weakest(errors: Sequence[LayerError]) -> LayerError | None:
    """The layer whose outputs are noisiest; None where nothing could be measured."""
    measured = [error for error in errors if error.sqnr_db is not None]
    return min(measured, key=lambda error: error.sqnr_db or 0.0, default=None)


def _outputs(
    engine: Engine, stored: np.ndarray, shape: tuple[int, ...], *, window_frames: int, stride: int
) -> np.ndarray:
    """int8 [clips, values]. Of a network that streams, only the newest frames: the float network
    has only these."""
    found = []
    for clip in stored:
        engine.reset()
        windows = sliding_window_view(clip, window_frames, axis=0)[::stride].swapaxes(1, 2)
        rows: Any = engine.run(windows.reshape(len(windows), -1))
        found.append(rows[-shape[1] :].ravel())
    return np.stack(found)


def _error(
    name: str, operator: str, exact: np.ndarray, stored: np.ndarray, quantization: Quantization
) -> LayerError:
    signal = exact.astype(np.float64)
    scale = quantization.scale
    noise = (stored.astype(np.float64) - quantization.zero_point) * scale - signal
    low, high = ((bound - quantization.zero_point) * scale for bound in (-128.5, 127.5))
    powers = float((signal**2).sum()), float((noise**2).sum())
    return LayerError(
        name=name,
        operator=operator,
        sqnr_db=10 * math.log10(powers[0] / powers[1]) if all(powers) else None,
        step=scale,
        largest_error=float(np.abs(noise).max()) / scale,
        beyond=float(((signal < low) | (signal > high)).mean()),
    )
