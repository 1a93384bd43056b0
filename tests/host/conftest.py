"""Fixtures that several modules share: real speech when there is some, a small model always."""

import os
from pathlib import Path

import numpy as np
import pytest

from stapes.settings import METADATA_NAME, ModelSettings

LABELS = ("_silence_", "_unknown_", "yes", "no")


@pytest.fixture(scope="session")
def speech() -> Path:
    """The folder of real clips, <word>/*.wav; skips where STAPES_CORPUS is unset."""
    if not os.environ.get("STAPES_CORPUS"):
        pytest.skip("STAPES_CORPUS is not set")
    return Path(os.environ["STAPES_CORPUS"])


@pytest.fixture
def small_model():
    """Makes the bytes of a tiny streaming model: SVDF, fully connected, softmax, random weights.

    `outputs` and `features` may contradict the settings; `operator` adds a unary one before the
    softmax.
    """

    def make(
        settings: ModelSettings | None = None,
        *,
        features: int | None = None,
        outputs: int | None = None,
        operator: str | None = None,
        metadata: bool = True,
    ) -> bytes:
        from stapes.tflite.builder import ModelBuilder

        settings = settings or ModelSettings(name="small", labels=LABELS)
        features = features or settings.front_end.feature_count
        outputs = outputs or len(settings.labels)
        random = np.random.default_rng(1)
        build = ModelBuilder()

        def constant(name, shape, dtype, scale, limit):
            data = random.integers(-limit, limit, shape).astype(dtype)
            return build.tensor(name, shape=shape, dtype=dtype, scale=scale, data=data)

        def activation(name, count, scale, zero_point):
            return build.tensor(
                name, shape=[1, count], dtype="int8", scale=scale, zero_point=zero_point
            )

        units, memory = 6, 5
        audio = activation("features", features, 0.1, -5)
        state = build.tensor(
            "state", shape=[1, units * memory], dtype="int16", scale=0.002, variable=True
        )
        hidden = activation("hidden", units, 0.05, -128)
        build.operator(
            "SVDF",
            inputs=[
                audio,
                constant("feature", [units, features], "int8", 0.01, 127),
                constant("time", [units, memory], "int16", 0.0001, 9000),
                constant("svdf_bias", [units], "int32", 0.0001 * 0.002, 9000),
                state,
            ],
            outputs=[hidden],
            options={"rank": 1, "fusedActivationFunction": "RELU"},
        )
        logits = activation("logits", outputs, 0.1, 3)
        build.operator(
            "FULLY_CONNECTED",
            inputs=[
                hidden,
                constant("weights", [outputs, units], "int8", 0.02, 127),
                constant("bias", [outputs], "int32", 0.05 * 0.02, 900),
            ],
            outputs=[logits],
        )
        if operator:
            before, logits = logits, activation("extra", outputs, 0.1, 3)
            build.operator(operator, inputs=[before], outputs=[logits])
        scores = activation("scores", outputs, 1 / 256, -128)
        build.operator("SOFTMAX", inputs=[logits], outputs=[scores], options={"beta": 1.0})
        if metadata:
            build.metadata(METADATA_NAME, settings.to_json().encode())
        return build.build(inputs=[audio], outputs=[scores])

    return make
