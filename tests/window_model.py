# SPDX-License-Identifier: Apache-2.0
"""A tiny model that sees 20 frames at once, every 3 of them: a convolution, random weights."""

from __future__ import annotations

import numpy as np

from stapes.model.builder import ModelBuilder
from stapes.model.settings import METADATA_NAME, ModelSettings

WINDOW_FRAMES = 20
CLIP_STRIDE_FRAMES = 3


def window_model() -> bytes:
    """Convolution with stride, fully connected, softmax."""
    settings = ModelSettings(
        name="window",
        labels=("_silence_", "_unknown_", "yes", "no"),
        clip_duration_ms=30 + (WINDOW_FRAMES - 1) * 20,
        window_frames=WINDOW_FRAMES,
        clip_stride_frames=CLIP_STRIDE_FRAMES,
    )
    features, labels, filters = settings.front_end.feature_count, len(settings.labels), 3
    random = np.random.default_rng(2)
    build = ModelBuilder()

    def constant(name, shape, dtype, scale, limit):
        data = random.integers(-limit, limit, shape).astype(dtype)
        return build.tensor(name, shape=shape, dtype=dtype, scale=scale, data=data)

    def activation(name, shape, scale, zero_point):
        return build.tensor(name, shape=shape, dtype="int8", scale=scale, zero_point=zero_point)

    audio = activation("features", [1, WINDOW_FRAMES, features, 1], 0.1, -5)
    places = [-(-WINDOW_FRAMES // 4), -(-features // 8)]
    image = activation("image", [1, *places, filters], 0.6, -128)
    build.operator(
        "CONV_2D",
        inputs=[
            audio,
            constant("kernel", [filters, 7, 9, 1], "int8", 0.01, 127),
            constant("kernel_bias", [filters], "int32", 0.1 * 0.01, 900),
        ],
        outputs=[image],
        options={
            "padding": "SAME",
            "strideH": 4,
            "strideW": 8,
            "fusedActivationFunction": "RELU",
        },
    )
    logits = activation("logits", [1, labels], 0.1, 3)
    build.operator(
        "FULLY_CONNECTED",
        inputs=[
            image,
            constant("weights", [labels, places[0] * places[1] * filters], "int8", 0.0005, 127),
            constant("bias", [labels], "int32", 0.6 * 0.0005, 900),
        ],
        outputs=[logits],
    )
    scores = activation("scores", [1, labels], 1 / 256, -128)
    build.operator("SOFTMAX", inputs=[logits], outputs=[scores], options={"beta": 1.0})
    build.metadata(METADATA_NAME, settings.to_json().encode())
    return build.build(inputs=[audio], outputs=[scores])
