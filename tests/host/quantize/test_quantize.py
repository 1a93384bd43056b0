# SPDX-License-Identifier: Apache-2.0
"""Quantization: int8 numerics compared with the upstream runtime; nothing overflows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import tflite_micro

from stapes.device.engine import Engine
from stapes.device.features import Quantization
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, ModelSettings
from stapes.networks.backend import keras
from stapes.networks.options import ModelOptions, ModelShape
from stapes.networks.registry import create_model
from stapes.quantize.calibration import activations, calibrate
from stapes.quantize.graph import build_model, quantize_svdf, quantize_weights
from stapes.quantize.layers import ConvLayer, DenseLayer, SvdfLayer, plain_layers

SHAPE = ModelShape(frames=20, features=8, labels=4)
INPUT = Quantization.of_range(-6.0, 4.0)
SETTINGS = ModelSettings(
    name="test",
    labels=("_silence_", "_unknown_", "yes", "no"),
    front_end=FrontEndSettings(channel_count=8, dct_coefficient_count=0),
    clip_duration_ms=410,
)
BROADCAST = ModelOptions(
    conv_channels=(6, 8, 8), conv_frames=3, conv_memory=3, svdf_units=(12, 16), svdf_memory=(4, 6)
)
EVERY_SECOND_FRAME = replace(BROADCAST, conv_stride=2, svdf_memory=(2, 4))
CASES = [
    ("svdf", ModelOptions(svdf_units=(16, 16))),
    ("svdf", ModelOptions(svdf_units=(9, 7), svdf_rank=2, bottleneck_units=5)),
    ("low_latency_svdf", ModelOptions(svdf_units=(32,))),
    ("residual_svdf", ModelOptions(svdf_units=(16, 12, 12, 16), bottleneck_units=8)),
    ("broadcast_svdf", BROADCAST),
    ("broadcast_svdf", replace(BROADCAST, conv_channels=(6, 8), conv_frames=1)),
    ("broadcast_svdf", EVERY_SECOND_FRAME),
    ("single_fc", ModelOptions()),
    ("conv", ModelOptions()),
    ("low_latency_conv", ModelOptions()),
    ("tiny_conv", ModelOptions()),
    ("tiny_embedding_conv", ModelOptions()),
    ("ds_cnn", ModelOptions()),
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
    return quantized(create_model(architecture, SHAPE, options, seed=4))


def windows(clip, engine, options):
    """int8 [frames, features] -> the input of each inference of the engine; the last one is at the
    end of the clip."""
    frames = math.prod(engine.input_shape) // clip.shape[1]
    views = np.lib.stride_tricks.sliding_window_view(clip, frames, axis=0).swapaxes(1, 2)
    stride = options.conv_stride or 1
    return views.reshape(len(views), -1)[(len(views) - 1) % stride :: stride]


def quantized(model):
    generator = np.random.default_rng(6)
    for variable in model.variables:
        if "norm" in variable.path:
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
        elif "kernel" in variable.path:  # far from the tutorial's tiny first weights
            fan_in = np.prod(variable.shape[:-1])
            variable.assign(generator.normal(0, fan_in**-0.5, variable.shape))
    layers = plain_layers(model)
    stored = np.random.default_rng(5).integers(-128, 128, (60, 20, 8)).astype(np.int8)
    ranges = calibrate(layers, INPUT.real(stored))
    content = build_model(
        layers,
        ranges,
        SETTINGS,
        INPUT,
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
        feature=parts.feature * np.float64(parts.feature_scale),
        time=parts.time * np.float64(parts.time_scale),
        bias=parts.bias * np.float64(parts.bias_scale),
    )
    ((_, expected),) = activations([layer], inputs)
    ((_, found),) = activations([again], inputs)
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
        found.append((engine.run(windows(clip, engine, options))[-1].astype(float) + 128) / 256)
    assert np.abs(np.array(found) - expected).max() < 0.06
    assert np.abs(np.array(found) - expected).mean() < 0.01


@pytest.mark.parametrize(("architecture", "options"), CASES)
def test_the_upstream_runtime_computes_the_same_scores(architecture, options):
    _, content, stored = exported(architecture, options)
    assert_upstream_agrees(content, stored[:5], options)


def assert_upstream_agrees(content, stored, options):
    engine = Engine.from_bytes(content)
    rows = np.concatenate([windows(clip, engine, options) for clip in stored])
    upstream = tflite_micro.runtime.Interpreter.from_bytes(content, arena_size=400_000)
    expected = []
    for row in rows:
        upstream.set_input(row.reshape(engine.input_shape), 0)
        upstream.invoke()
        expected.append(upstream.get_output(0)[0])
    np.testing.assert_array_equal(engine.run(rows), expected)


@pytest.mark.parametrize("architecture", ["svdf", "ds_cnn"])
def test_normalization_is_folded_exactly(architecture):
    model, _, stored = exported(architecture, ModelOptions(svdf_units=(5,)))
    inputs = INPUT.real(stored[:3])
    *_, (_, logits) = activations(plain_layers(model), inputs)
    expected = model(inputs, training=False).numpy()
    np.testing.assert_allclose(logits.reshape(3, -1, 4)[:, -1], expected, rtol=1e-4, atol=1e-5)


def test_ones_own_chain_of_layers_exports_with_all_that_the_exporter_knows():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((20, 8)),
            layers.Dense(6, activation="relu"),
            layers.Reshape((20, 3, 2)),
            layers.DepthwiseConv2D((3, 2), depth_multiplier=2, strides=2, use_bias=False),
            layers.BatchNormalization(name="norm", scale=False),
            layers.Activation("relu"),
            layers.Conv2D(5, (2, 1), strides=(2, 1), padding="same"),
            layers.BatchNormalization(name="norm_2", center=False),
            layers.ReLU(),
            layers.MaxPooling2D((2, 1), padding="same"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7, use_bias=False),
            layers.BatchNormalization(name="norm_3"),
            layers.Dropout(0.5),
            layers.Dense(4),
        ]
    )
    model, content, stored = quantized(model)
    *_, (_, logits) = activations(plain_layers(model), INPUT.real(stored))
    np.testing.assert_allclose(logits, model(INPUT.real(stored), training=False), atol=1e-4)
    assert_upstream_agrees(content, stored[:5], ModelOptions())


def test_a_functional_model_may_be_a_chain_but_not_branch():
    source = keras.Input((20, 8))
    hidden = keras.layers.Dense(4, name="a")(keras.layers.Flatten()(source))
    chain = keras.Model(source, keras.layers.Dense(4)(hidden))
    assert len(plain_layers(chain)) == 3
    branch = keras.layers.Add(name="sum")([hidden, keras.layers.Dense(4)(hidden)])
    with pytest.raises(StapesError, match=r"layer 'sum': found 2 inputs, .* expected a chain"):
        plain_layers(keras.Model(source, branch))


def test_a_channel_of_tiny_weights_keeps_its_bias():
    weights = np.full((2, 1, 1, 3), 0.5)
    weights[1] = 1e-12
    layer = ConvLayer(
        name="conv", weights=weights, bias=np.array([1.0, 3.0]), strides=(1, 1), padding="SAME"
    )
    _, bias, scales = quantize_weights(layer, np.float32(0.01))
    np.testing.assert_allclose(bias * scales * 0.01, layer.bias, rtol=1e-5)
    assert np.abs(bias).max() <= 2**30


def test_ranges_cover_what_was_seen_and_zero():
    layer = DenseLayer(name="fc", weights=np.eye(2), bias=np.array([3.0, 3.0]), relu=False)
    (ranges,) = calibrate([layer], np.linspace(0, 1, 2000).reshape(10, 100, 2))
    assert ranges.low == 0.0
    assert 3.99 < ranges.high <= 4.0


def test_logits_that_no_score_shows_cost_the_others_no_steps():
    unlikely = DenseLayer(
        name="fc", weights=np.diag([1.0, 1.0, 100.0]), bias=np.array([0.0, 0.0, -60.0])
    )
    features = np.random.default_rng(0).uniform(0, 0.5, (200, 3)) + np.array([2.0, 2.0, 0.0])
    (ranges,) = calibrate([unlikely], features)
    tops = np.maximum(features[:, :2].max(axis=1), 100 * features[:, 2] - 60)
    assert ranges.low == pytest.approx(tops.min() - 8, abs=0.1)
    exact = features @ unlikely.weights + unlikely.bias
    limited = np.maximum(exact, ranges.low)
    assert exact.min() < -55
    scores, shown = (np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in (exact, limited))
    assert np.abs(scores - shown).max() < 1 / 256 / 8
    # Other layers read its output, so it keeps its whole range.
    inner = DenseLayer(name="next", weights=np.ones((2, 3)), bias=np.zeros(2))
    assert calibrate([unlikely, inner], features)[0].low == pytest.approx(exact.min(), abs=1)


def test_ranges_cover_every_channel_of_layers_too_large_to_keep_whole(monkeypatch):
    monkeypatch.setattr("stapes.quantize.calibration.KEPT_VALUES", 1000)
    for loud in range(8):
        weights = np.zeros((8, 1, 1, 1))
        weights[loud] = 5.0
        layer = ConvLayer(
            name="conv", weights=weights, bias=np.zeros(8), strides=(1, 1), padding="SAME"
        )
        (ranges,) = calibrate([layer], np.ones((20, 10, 5, 1)))
        assert ranges.high == pytest.approx(5.0)


def test_a_layer_that_the_exporter_does_not_know_is_refused():
    model = keras.Sequential([keras.Input((20, 8)), keras.layers.LSTM(4, name="memory")])
    with pytest.raises(StapesError, match="layer 'memory': found a LSTM, expected layers of"):
        plain_layers(model)
