# SPDX-License-Identifier: Apache-2.0
"""A streaming network that looks for the same patterns at all frequencies."""

from __future__ import annotations

import itertools
from dataclasses import replace
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
from stapes.networks.options import ModelOptions, ModelShape
from stapes.networks.svdf import memories_of, receptive_field

_FIRST_WIDTH = 5  # features that the first convolution sees at once


def broadcast_svdf(shape: ModelShape, options: ModelOptions) -> Any:
    """Convolutions over frequency, each with an SVDF layer; then SVDF layers on a narrow stream.

    The first convolution takes `conv_frames` frames and every other feature, and moves on by
    `conv_stride` frames. Each time that `conv_channels` changes, half of the frequencies stay. The
    outputs of the convolutions go through a dense layer of `bottleneck_units` into the layers of
    `residual_svdf`; the last of these has no dense layer.
    """
    channels = options.conv_channels or (16, 24, 24, 40, 40)
    units = options.svdf_units or (96, 96, 96)
    frames, stride = options.conv_frames or 5, options.conv_stride or 1
    memory = options.conv_memory or 4
    before = (memory - 1) * (len(channels) - 1)
    steps = 1 + (shape.frames - frames) // stride  # frames after the first convolution
    _check_shape(shape, steps=steps, before=before, layers=len(units))
    memories = memories_of(replace(shape, frames=steps), options, units, before=before)
    field = before + receptive_field(memories)
    dropout = 0.1 if options.dropout < 0 else options.dropout
    rank = options.svdf_rank or 1
    layers = [
        keras.Input((shape.frames, shape.features)),
        LastFrames(frames + stride * (field - 1), name="last_frames"),
        FrequencyConv(
            channels[0],
            frames=frames,
            width=_FIRST_WIDTH,
            stride=2,
            frame_stride=stride,
            name="conv_1",
        ),
    ]
    for number, (earlier, count) in enumerate(itertools.pairwise(channels), start=2):
        halves = 1 if count == earlier else 2
        layers.append(BroadcastConv(count, memory=memory, stride=halves, name=f"conv_{number}"))
    layers += [
        FlattenFrames(name="frequencies"),
        keras.layers.Dense(options.bottleneck_units or max(units[0] // 2, 1), name="bottleneck"),
    ]
    for number, (count, remembered) in enumerate(
        zip(units[:-1], memories[:-1], strict=True), start=1
    ):
        layers.append(ResidualSVDF(count, memory=remembered, rank=rank, name=f"block_{number}"))
    layers += [
        SVDF(units[-1], memory=memories[-1], rank=rank, batch_normalization=True, name="svdf"),
        keras.layers.Flatten(),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(shape.labels, name="final_fc"),
    ]
    return keras.Sequential(layers, name="broadcast_svdf")


def _check_shape(shape: ModelShape, *, steps: int, before: int, layers: int) -> None:
    """Raises StapesError if the convolutions need more frames or features than there are."""
    if shape.features < _FIRST_WIDTH:
        raise StapesError(
            f"broadcast_svdf: found {shape.features} features per frame, expected {_FIRST_WIDTH} "
            "or more; raise the front end's number of features"
        )
    if before + layers > steps:
        raise StapesError(
            f"broadcast_svdf: found {max(steps, 0)} outputs of the first convolution in a clip, "
            f"expected {before + layers} or more, which the layers after it remember; lower "
            "--conv_frames, --conv_stride, --conv_memory or the number of --conv_channels"
        )
