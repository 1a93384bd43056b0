# SPDX-License-Identifier: Apache-2.0
"""A streaming network over clips longer than it remembers: its answers at several frames."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from stapes.errors import StapesError
from stapes.networks.backend import keras
from stapes.networks.layers import (
    SVDF,
    BroadcastConv,
    FlattenFrames,
    FrequencyConv,
    LastFrames,
    ResidualSVDF,
)

_BY_FRAME = (
    SVDF,
    ResidualSVDF,
    FrequencyConv,
    BroadcastConv,
    FlattenFrames,
    keras.layers.Dense,
    keras.layers.Dropout,
)


def at_every_end(model: Any, ends: int, *, flag: str = "--end_frames") -> Any:
    """The same layers, weights and all, over clips that are `ends` - 1 frames longer.

    [batch, frames + ends - 1, features] -> logits [batch, ends, labels]: those that the model
    gives when the clip ends at each of the last `ends` frames; where it runs at one frame in so
    many, at the last of these and at those of them at which it runs. `flag` is named in errors.

    Raises:
        StapesError: a network that sees whole clips at once.
    """
    _, frames, features = model.input_shape
    inputs = keras.Input((frames + ends - 1, features))
    return keras.Model(
        inputs, _answers(model.layers, inputs, _Ends.of(model, ends, flag)), name=model.name
    )


def with_phonemes(model: Any, head: Any, ends: int, *, flag: str = "--phoneme_weight") -> Any:
    """The same as `at_every_end`, and what `head` makes of the frames below the last layer that
    remembers any, all over the clip.

    [batch, frames_before + frames + ends - 1, features] -> logits [batch, ends, labels], and those
    of phonemes [batch, steps, outputs of `head`].

    Raises:
        StapesError: a network that sees whole clips at once, or has no layers below that one.
    """
    _, frames, features = model.input_shape
    by_end, (lower, upper) = _Ends.of(model, ends, flag), _around_last_memory(model, flag)
    before = frames_before(model, flag=flag)
    steps = 1 + (frames + ends - 2) // by_end.stride
    inputs = keras.Input((before + frames + ends - 1, features))
    heard = LastFrames(before + 1 + by_end.stride * (steps - 1))(inputs)
    for layer in lower:
        heard = layer(heard)
    last = LastFrames(_memory(upper[0]) + by_end.answers - 1)(heard)
    return keras.Model(inputs, [_answers(upper, last, by_end), head(heard)], name=model.name)


def frames_before(model: Any, *, flag: str = "--phoneme_weight") -> int:
    """Frames before a clip without which a phoneme at its first frame cannot be told.

    Raises:
        StapesError: as `with_phonemes`.
    """
    _, upper = _around_last_memory(model, flag)
    whole = sum(layer.count for layer in model.layers if isinstance(layer, LastFrames))
    return whole - _Ends.of(model, 1, flag).stride * (_memory(upper[0]) - 1) - 1


@dataclass(frozen=True)
class _Ends:
    """How often a network answers over some last frames: once in `stride` frames. `flag` is named
    in errors."""

    answers: int
    stride: int
    flag: str

    @classmethod
    def of(cls, model: Any, ends: int, flag: str) -> _Ends:
        stride = math.prod(getattr(layer, "frame_stride", 1) for layer in model.layers)
        return cls(1 + (ends - 1) // stride, stride, flag)


def _answers(layers: list[Any], outputs: Any, by_end: _Ends) -> Any:
    for layer in layers:
        if isinstance(layer, LastFrames):
            outputs = LastFrames(layer.count + (by_end.answers - 1) * by_end.stride)(outputs)
        elif isinstance(layer, _BY_FRAME):
            outputs = layer(outputs)
        elif isinstance(layer, keras.layers.InputLayer):
            continue
        elif not isinstance(layer, keras.layers.Flatten) or outputs.shape[1] != by_end.answers:
            raise _sees_whole_clips(by_end.flag)
    return outputs


def _around_last_memory(model: Any, flag: str) -> tuple[list[Any], list[Any]]:
    """The layers below the last one that remembers frames, and that one with those above it."""
    layers = [
        layer
        for layer in model.layers
        if not isinstance(layer, (LastFrames, keras.layers.InputLayer))
    ]
    places = [at for at, layer in enumerate(layers) if isinstance(layer, (SVDF, ResidualSVDF))]
    if not places or not all(isinstance(layer, _BY_FRAME) for layer in layers[: places[-1]]):
        raise _sees_whole_clips(flag)
    lower, upper = layers[: places[-1]], layers[places[-1] :]
    if not lower:
        raise StapesError(
            f"{flag}: found a network with a single layer that remembers frames, expected more; "
            "give --svdf_units more numbers, or leave the flag out"
        )
    return lower, upper


def _memory(layer: Any) -> int:
    return int(layer.svdf.memory if isinstance(layer, ResidualSVDF) else layer.memory)


def _sees_whole_clips(flag: str) -> StapesError:
    return StapesError(
        f"{flag}: found a network that takes whole clips, expected a streaming one; choose "
        "--model_architecture svdf, residual_svdf or broadcast_svdf, or leave the flag out"
    )
