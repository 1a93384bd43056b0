# SPDX-License-Identifier: Apache-2.0
"""Streaming networks of SVDF layers."""

from __future__ import annotations

import math
from typing import Any

from stapes.errors import StapesError
from stapes.networks.backend import keras
from stapes.networks.layers import SVDF, LastFrames, ResidualSVDF
from stapes.networks.options import ModelOptions, ModelShape

MAX_PRODUCTS = 1 << 27  # half a GB of float32, several times in training


def low_latency_svdf(shape: ModelShape, options: ModelOptions) -> Any:
    """The tutorial's network: one SVDF layer over the whole clip, then three dense layers.

    Source: `create_low_latency_svdf_model` of TensorFlow's speech_commands/models.py. At the
    tutorial's settings (98 frames of 40 features, 12 labels) it has 751,372 parameters.
    """
    units = options.svdf_units or (1280,)
    if len(units) != 1:
        raise StapesError(
            f"--svdf_units: found {len(units)} layers, expected 1 with low_latency_svdf; "
            "use --model_architecture svdf"
        )
    dropout = 0.5 if options.dropout < 0 else options.dropout
    rank = options.svdf_rank or 2
    _check_size(units, (shape.frames,), shape)
    return keras.Sequential(
        [
            keras.Input((shape.frames, shape.features)),
            SVDF(units[0], memory=shape.frames, rank=rank, name="svdf"),
            keras.layers.Flatten(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(256, name="first_fc"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(256, name="second_fc"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(shape.labels, name="final_fc"),
        ],
        name="low_latency_svdf",
    )


def svdf(shape: ModelShape, options: ModelOptions) -> Any:
    """Several SVDF layers one above the other, batch-normalized, then one dense layer.

    The memories add up to the receptive field; by default they share the clip among the layers.
    """
    units = options.svdf_units or (64, 64, 64, 64)
    memories = memories_of(shape, options, units)
    field = receptive_field(memories)
    dropout = 0.1 if options.dropout < 0 else options.dropout
    layers = [keras.Input((shape.frames, shape.features)), LastFrames(field, name="last_frames")]
    for number, (count, memory) in enumerate(zip(units, memories, strict=True), start=1):
        layers.append(
            SVDF(
                count,
                memory=memory,
                rank=options.svdf_rank or 1,
                batch_normalization=True,
                name=f"svdf_{number}",
            )
        )
        if options.bottleneck_units and number < len(units):
            layers.append(keras.layers.Dense(options.bottleneck_units, name=f"bottleneck_{number}"))
    layers += [
        keras.layers.Flatten(),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(shape.labels, name="final_fc"),
    ]
    return keras.Sequential(layers, name="svdf")


def residual_svdf(shape: ModelShape, options: ModelOptions) -> Any:
    """SVDF layers around a narrow stream of `bottleneck_units` values.

    The first SVDF layer makes the stream, the last one reads it. The layers between them read the
    stream and add to it, like the blocks of MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381). At
    equal size, it learns better than `svdf` when there are more than three or four layers.
    """
    units = options.svdf_units or (96, 96, 96, 96, 96)
    if len(units) < 2:
        raise StapesError(
            f"--svdf_units: found {len(units)} layer, expected 2 or more with residual_svdf"
        )
    memories = memories_of(shape, options, units)
    field = receptive_field(memories)
    width = options.bottleneck_units or max(units[0] // 2, 1)
    dropout = 0.1 if options.dropout < 0 else options.dropout
    rank = options.svdf_rank or 1

    def svdf_layer(number: int) -> Any:
        return SVDF(
            units[number - 1],
            memory=memories[number - 1],
            rank=rank,
            batch_normalization=True,
            name=f"svdf_{number}",
        )

    layers = [
        keras.Input((shape.frames, shape.features)),
        LastFrames(field, name="last_frames"),
        svdf_layer(1),
        keras.layers.Dense(width, name="bottleneck_1"),
    ]
    for number in range(2, len(units)):
        layers.append(
            ResidualSVDF(
                units[number - 1], memory=memories[number - 1], rank=rank, name=f"block_{number}"
            )
        )
    layers += [
        svdf_layer(len(units)),
        keras.layers.Flatten(),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(shape.labels, name="final_fc"),
    ]
    return keras.Sequential(layers, name="residual_svdf")


def memories_of(
    shape: ModelShape, options: ModelOptions, units: tuple[int, ...], *, before: int = 0
) -> tuple[int, ...]:
    """How many frames each layer remembers, so that together they fit the clip. `before`: frames
    that other layers remember.

    Raises:
        StapesError: the memories do not fit, or are too large.
    """
    memories = options.svdf_memory or shared_memories(shape.frames - before, len(units))
    if len(memories) != len(units):
        raise StapesError(
            f"--svdf_memory: found {len(memories)} numbers, expected {len(units)} as in "
            "--svdf_units; give one for each layer"
        )
    field = before + receptive_field(memories)
    if field > shape.frames:
        raise StapesError(
            f"--svdf_memory={','.join(map(str, memories))}: found a receptive field of {field} "
            f"frames, expected at most the {shape.frames} of a clip; lower the numbers"
        )
    _check_size(units, memories, shape)
    return memories


def _check_size(units: tuple[int, ...], memories: tuple[int, ...], shape: ModelShape) -> None:
    """Checks the size of [units, memory, inputs]: training multiplies each layer's filters to this
    shape.

    Raises:
        StapesError: this would take all memory of the machine.
    """
    inputs = (shape.features, *units)
    found = sum(map(math.prod, zip(units, memories, inputs, strict=False)))
    if found > MAX_PRODUCTS:
        raise StapesError(
            f"--svdf_units={','.join(map(str, units))}: found layers of {found} products of units, "
            f"memory and inputs, expected at most {MAX_PRODUCTS}; lower the numbers"
        )


def receptive_field(memories: tuple[int, ...]) -> int:
    """Input frames that one output frame depends on."""
    return 1 + sum(memory - 1 for memory in memories)


def shared_memories(frames: int, layers: int) -> tuple[int, ...]:
    """Memories whose receptive field is a clip of `frames`, as equal as can be, longer first."""
    each, rest = divmod(frames - 1, layers)
    return tuple(each + 1 + (number < rest) for number in range(layers))
