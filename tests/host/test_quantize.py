"""Quantization: int8 numerics checked against the upstream runtime, overflow ruled out."""

from __future__ import annotations

import numpy as np
import pytest
import tflite_micro

from stapes.errors import StapesError
from stapes.models.backend import keras
from stapes.models.options import ModelOptions, ModelShape
from stapes.models.registry import create_model
from stapes.quantize.calibration import calibrate
from stapes.quantize.export import build_model, quantize_svdf
from stapes.quantize.layers import DenseLayer, SvdfLayer, plain_layers
from stapes.settings import FrontEndSettings, ModelSettings
from stapes.tflite.engine import Engine
from stapes.training.features import Quantization

SHAPE = ModelShape(frames=20, features=8, labels=4)
INPUT = Quantization.of_range(-6.0, 4.0)
SETTINGS = ModelSettings(
    name="test",
    labels=("_silence_", "_unknown_", "yes", "no"),
    front_end=FrontEndSettings(channel_count=8, dct_coefficient_count=0),
)
CASES = [
    ("svdf", ModelOptions(svdf_units=(16, 16))),
    ("svdf", ModelOptions(svdf_units=(9, 7), svdf_rank=2, bottleneck_units=5)),
    ("low_latency_svdf", ModelOptions(svdf_units=(32,))),
    ("residual_svdf", ModelOptions(svdf_units=(16, 12, 12, 16), bottleneck_units=8)),
]


def random_layer(*, filters=12, features=8, memory=7, rank=1, seed=0, spread=1.0) -> SvdfLayer:
    generator = np.random.default_rng(seed)
    rows = np.exp(generator.normal(0, spread, (filters, 1)))  # filters of very unequal size
    return SvdfLayer(
        name="svdf",
        feature=generator.normal(size=(filters, features)) * rows,
        time=generator.normal(size=(filters, memory)),
        bias=generator.normal(size=filters // rank),
    )


def exported(architecture, options):
    """A model with random weights: its Keras form, its .tflite bytes, and stored features."""
    model = create_model(architecture, SHAPE, options, seed=4)
    layers = plain_layers(model)
    stored = np.random.default_rng(5).integers(-128, 128, (60, 20, 8)).astype(np.int8)
    ranges = calibrate(layers, INPUT.real(stored))
    content = build_model(
        layers,
        ranges,
        SETTINGS,
        input_scale=INPUT.scale,
        input_zero_point=INPUT.zero_point,
    )
    return model, content, stored


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rank", [1, 3])
def test_no_input_can_make_an_svdf_sum_overflow(seed, rank):
    layer = random_layer(rank=rank, seed=seed)
    parts = quantize_svdf(layer, np.full(12, 3.0))
    weights = np.abs(parts.time.astype(np.int64)).reshape(len(parts.bias), -1).sum(axis=1)
    worst = 2**15 * weights + np.abs(parts.bias.astype(np.int64))
    assert worst.max() <= 2**31 - 1
    assert worst.max() > 2**30 or np.abs(parts.time).max() > 2**14  # and no step is wasted


def test_unequal_filters_lose_nothing_to_the_one_scale_of_int8():
    layer = random_layer(spread=3.0)
    inputs = np.random.default_rng(1).normal(size=(1, 50, 8))
    parts = quantize_svdf(layer, np.abs(layer.states(inputs)).max(axis=(0, 1)))
    again = SvdfLayer(
        name="again",
        feature=parts.feature * float(parts.feature_scale),
        time=parts.time * float(parts.time_scale),
        bias=parts.bias * float(parts.bias_scale),
    )
    expected = layer.outputs(layer.states(inputs))
    found = again.outputs(again.states(inputs))
    error = np.abs(found - expected).max(axis=(0, 1)) / expected.max(axis=(0, 1)).clip(1e-9)
    assert error.max() < 0.03  # unit by unit, small ones too


def test_the_bias_scale_is_the_product_that_the_runtime_checks():
    parts = quantize_svdf(random_layer(), np.full(12, 3.0))
    assert abs(float(parts.bias_scale) - float(parts.state_scale * parts.time_scale)) < 1e-9


@pytest.mark.parametrize(("architecture", "options"), CASES)
def test_int8_scores_follow_float_scores(architecture, options):
    model, content, stored = exported(architecture, options)
    logits = model(INPUT.real(stored), training=False).numpy()
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    engine = Engine.from_bytes(content)
    found = []
    for clip in stored:
        engine.reset()
        found.append((engine.run(clip)[-1].astype(float) + 128) / 256)
    assert np.abs(np.array(found) - expected).max() < 0.06
    assert np.abs(np.array(found) - expected).mean() < 0.01


@pytest.mark.parametrize(("architecture", "options"), CASES)
def test_the_upstream_runtime_computes_the_same_scores(architecture, options):
    _, content, stored = exported(architecture, options)
    frames = stored[:5].reshape(-1, 8)
    upstream = tflite_micro.runtime.Interpreter.from_bytes(content, arena_size=200_000)
    expected = []
    for frame in frames:
        upstream.set_input(frame[None], 0)
        upstream.invoke()
        expected.append(upstream.get_output(0)[0])
    np.testing.assert_array_equal(Engine.from_bytes(content).run(frames), expected)


def test_normalization_is_folded_exactly():
    model = create_model("svdf", SHAPE, ModelOptions(svdf_units=(5,)), seed=1)
    generator = np.random.default_rng(2)
    for variable in model.get_layer("svdf_1").normalization.variables:
        variable.assign(generator.uniform(0.5, 2.0, variable.shape))
    inputs = generator.normal(size=(3, 20, 8)).astype(np.float32)
    activations = inputs
    for layer in plain_layers(model):
        if isinstance(layer, SvdfLayer):
            activations = layer.outputs(layer.states(activations))
        else:
            activations = layer.outputs(activations)
    expected = model(inputs, training=False).numpy()
    np.testing.assert_allclose(activations[:, -1], expected, rtol=1e-4, atol=1e-5)


def test_ranges_cover_what_was_seen_and_zero():
    layer = DenseLayer(name="fc", weights=np.eye(2), bias=np.array([3.0, 3.0]), relu=False)
    (ranges,) = calibrate([layer], np.linspace(0, 1, 2000).reshape(10, 100, 2))
    assert ranges.low == 0.0
    assert 3.99 < ranges.high <= 4.0


def test_a_layer_without_a_streaming_twin_is_refused():
    model = keras.Sequential([keras.Input((20, 8)), keras.layers.LSTM(4, name="memory")])
    with pytest.raises(StapesError, match="layer 'memory': found a LSTM, expected SVDF or Dense"):
        plain_layers(model)
