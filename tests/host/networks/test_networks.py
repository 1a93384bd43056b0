# SPDX-License-Identifier: Apache-2.0
"""Networks: their sizes, and that a clip and a stream give the same result."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from stapes.errors import StapesError
from stapes.networks.ends import at_every_end
from stapes.networks.options import ModelOptions, ModelShape
from stapes.networks.registry import create_model
from stapes.networks.svdf import receptive_field, shared_memories
from stapes.quantize.layers import AddLayer, SvdfLayer, plain_layers

TUTORIAL = ModelShape(frames=98, features=40, labels=12)
SMALL = ModelShape(frames=20, features=8, labels=4)


BROADCAST = ModelOptions(
    conv_channels=(3, 4, 4), conv_frames=3, conv_memory=3, svdf_units=(6, 5), svdf_memory=(4, 6)
)


def stream(layers, frames: np.ndarray) -> np.ndarray:
    """Frame by frame as TensorFlow Lite's SVDF operator works: shift the memory, write the newest
    filter outputs, weigh over time. float [frames, features] -> logits [frames, labels]."""
    memories = [np.zeros_like(layer.time) for layer in layers if isinstance(layer, SvdfLayer)]
    results = []
    for frame in frames:
        values, left, inputs = frame, iter(memories), []
        for layer in layers:
            inputs.append(values)
            if isinstance(layer, AddLayer):
                values = values + inputs[-1 - layer.back]
            elif isinstance(layer, SvdfLayer):
                memory = next(left)
                memory[:, :-1] = memory[:, 1:]
                memory[:, -1] = layer.feature @ values
                summed = (memory * layer.time).sum(axis=1).reshape(-1, layer.rank).sum(axis=1)
                values = np.maximum(summed + layer.bias, 0)
            else:
                values = layer.weights @ values + layer.bias
        results.append(values)
    return np.array(results)


def shaken(model, seed=0):
    """Gives every variable, moving averages too, values far from their initial ones."""
    generator = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" not in variable.path:
            variable.assign(variable.numpy() + generator.uniform(0, 0.3, variable.shape))
    return model


@pytest.mark.parametrize(
    ("architecture", "shape", "count"),
    [
        ("single_fc", TUTORIAL, 98 * 40 * 12 + 12),
        ("conv", TUTORIAL, 926_860),
        ("low_latency_conv", TUTORIAL, 949_862),
        ("low_latency_svdf", TUTORIAL, 751_372),
        ("tiny_conv", ModelShape(frames=49, features=40, labels=4), 16_652),
        # 10x8x8 and 10x8x8x8 weights, then 7x3 places of 8 values.
        ("tiny_embedding_conv", TUTORIAL, 648 + 5_128 + 168 * 12 + 12),
        ("ds_cnn", ModelShape(frames=49, features=10, labels=12), 24_908),  # MLPerf Tiny
    ],
)
def test_the_tutorials_networks_have_the_tutorials_sizes(architecture, shape, count):
    assert create_model(architecture, shape, ModelOptions()).count_params() == count


def test_a_kernel_wider_than_the_features_is_refused():
    shape = ModelShape(frames=20, features=7, labels=4)
    with pytest.raises(StapesError, match="found 7 features per frame, expected 8 or more"):
        create_model("low_latency_conv", shape, ModelOptions())


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("low_latency_svdf", ModelOptions(svdf_units=(6,))),
        ("svdf", ModelOptions(svdf_units=(6, 5))),
        ("svdf", ModelOptions(svdf_units=(6, 5, 4), svdf_memory=(3, 8, 2), svdf_rank=2)),
        ("svdf", ModelOptions(svdf_units=(6, 5), bottleneck_units=3)),
        ("residual_svdf", ModelOptions(svdf_units=(6, 5, 7, 4), bottleneck_units=3)),
    ],
)
def test_a_stream_gives_what_the_clip_gives(architecture, options):
    model = shaken(create_model(architecture, SMALL, options, seed=3))
    before = np.random.default_rng(1).normal(size=(30, 8))
    clips = np.random.default_rng(2).normal(size=(2, 20, 8))
    expected = model(clips.astype(np.float32), training=False).numpy()
    layers = plain_layers(model)
    fresh = stream(layers, clips[0])[-1]
    steady = stream(layers, np.concatenate([before, clips[1]]))[-1]
    np.testing.assert_allclose([fresh, steady], expected, rtol=1e-3, atol=1e-4)


def test_training_on_a_whole_clip_follows_the_gradient_of_the_plain_formula():
    from stapes.networks.backend import keras, tf
    from stapes.networks.layers import SVDF

    generator = np.random.default_rng(3)
    clips = tf.constant(generator.normal(size=(5, 20, 8)), tf.float32)
    below = keras.layers.Dense(8)
    layer = SVDF(6, memory=20, rank=2)
    layer(below(clips))

    def plain():
        filtered = tf.einsum(
            "bmf,fk,mk->bk", below(clips), layer.feature_weights, layer.time_weights
        )
        return tf.nn.relu(tf.reduce_sum(tf.reshape(filtered, [5, 6, 2]), axis=-1) + layer.bias)

    variables = [*layer.trainable_variables, *below.trainable_variables]
    gradients = []
    for output in (plain, lambda: layer(below(clips), training=True)[:, 0]):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.square(output()))
        gradients.append(tape.gradient(loss, variables))
    for expected, found in zip(*gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_the_memories_share_the_clip():
    assert shared_memories(49, 4) == (13, 13, 13, 13)
    assert shared_memories(20, 3) == (8, 7, 7)
    assert receptive_field(shared_memories(98, 5)) == 98


def test_equal_seeds_give_equal_weights():
    def weights(seed):
        return create_model("svdf", SMALL, ModelOptions(svdf_units=(4,)), seed=seed).get_weights()

    for one, other in zip(weights(5), weights(5), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(weights(5)[0], weights(6)[0])


OWN_MODELS = """
import keras
from stapes.networks.layers import SVDF
def tiny(shape, options):
    return keras.Sequential([
        keras.Input((shape.frames, shape.features)),
        SVDF(3, memory=shape.frames),
        keras.layers.Flatten(),
        keras.layers.Dense(shape.labels)])
def output(shape, options):
    return keras.Sequential([
        keras.Input((shape.frames, shape.features)), keras.layers.Flatten(), keras.layers.Dense(1)])
def input(shape, options):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(shape.labels)])
def nothing(shape, options):
    pass
def crash(shape, options):
    return shape.channels
def one(shape):
    pass
"""


@pytest.fixture
def own_models(tmp_path, monkeypatch):
    """A module in the current folder."""
    (tmp_path / "my_models.py").write_text(OWN_MODELS)
    (tmp_path / "my_broken_models.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("my_models", None)


def test_ones_own_architecture_plugs_in(own_models):
    model = create_model("my_models:tiny", SMALL, ModelOptions())
    assert model.count_params() == 8 * 3 + 20 * 3 + 3 + 3 * 4 + 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_models:output", r"found output \(None, 1\), expected .* output \(None, 4\)"),
        ("my_models:input", r"found input \(None, 3\), expected .* input \(None, 20, 8\)"),
        ("my_models:nothing", "found input NoneType, expected a Keras model"),
        ("my_models:crash", "found AttributeError while it was built .*channels"),
        ("my_models:one", "cannot be used .*too many positional arguments"),
        ("my_models:missing", "cannot be used .*missing"),
        ("my_broken_models:any", "cannot be used .division by zero."),
    ],
)
def test_an_architecture_of_ones_own_that_is_wrong_is_told_how(own_models, name, message):
    with pytest.raises(StapesError, match=message):
        create_model(name, SMALL, ModelOptions())


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        ("resnet", {}, "expected one of svdf, .*ds_cnn or your own"),
        ("no_such_module:f", {}, "cannot be used"),
        (":", {}, "cannot be used"),
        (".:x", {}, "cannot be used"),
        ("os:getcwd", {}, "cannot be used"),
        ("os:sep", {}, "cannot be used"),
        ("svdf", {"svdf_units": (4, 4), "svdf_memory": (5,)}, "found 1 numbers, expected 2"),
        ("svdf", {"svdf_units": (4,), "svdf_memory": (21,)}, "receptive field of 21 frames"),
        ("svdf", {"svdf_units": (8192,) * 4}, "products of units, .*expected at most"),
        ("low_latency_svdf", {"svdf_units": (4, 4)}, "found 2 layers, expected 1"),
        ("residual_svdf", {"svdf_units": (4,)}, "found 1 layer, expected 2 or more"),
        ("broadcast_svdf", {"conv_memory": 9}, "found 16 outputs .*, expected 35 or more"),
        ("broadcast_svdf", {"conv_frames": 100}, "found 0 outputs .*--conv_frames"),
        ("broadcast_svdf", {"svdf_memory": (9, 9, 9)}, "--svdf_memory=9,9,9: found a receptive"),
    ],
)
def test_an_architecture_that_does_not_fit_is_refused(architecture, options, message):
    with pytest.raises(StapesError, match=message):
        create_model(architecture, SMALL, ModelOptions(**options))


@pytest.mark.parametrize(
    "options", [{"svdf_units": (0,)}, {"svdf_rank": 17}, {"dropout": 1.0}, {"bottleneck_units": -1}]
)
def test_options_out_of_range_are_refused(options):
    with pytest.raises(StapesError, match=f"--{next(iter(options))}="):
        ModelOptions(**options)


@pytest.mark.parametrize(
    ("architecture", "options"),
    [
        ("low_latency_svdf", ModelOptions(svdf_units=(6,))),
        ("svdf", ModelOptions(svdf_units=(6, 5, 4), svdf_memory=(3, 8, 2), svdf_rank=2)),
        ("residual_svdf", ModelOptions(svdf_units=(6, 5, 7, 4), bottleneck_units=3)),
        ("broadcast_svdf", BROADCAST),
    ],
)
def test_every_end_has_the_logits_of_a_clip_that_ends_there(architecture, options):
    model = shaken(create_model(architecture, SMALL, options))
    features = np.random.default_rng(1).normal(size=(3, SMALL.frames + 4, SMALL.features))
    features = features.astype(np.float32)
    logits = np.asarray(at_every_end(model, 5)(features))
    assert logits.shape == (3, 5, SMALL.labels)
    for end in range(5):
        clip = np.asarray(model(features[:, end : end + SMALL.frames]))
        np.testing.assert_allclose(logits[:, end], clip, rtol=1e-4, atol=1e-4)


def test_a_network_that_runs_at_every_second_frame_answers_at_the_last_one_and_those_before():
    options = replace(BROADCAST, conv_stride=2, svdf_memory=(2, 4))
    model = shaken(create_model("broadcast_svdf", SMALL, options))
    features = np.random.default_rng(1).normal(size=(3, SMALL.frames + 5, SMALL.features))
    features = features.astype(np.float32)
    logits = np.asarray(at_every_end(model, 6)(features))
    assert logits.shape == (3, 3, SMALL.labels)
    for answer, end in enumerate((1, 3, 5)):
        clip = np.asarray(model(features[:, end : end + SMALL.frames]))
        np.testing.assert_allclose(logits[:, answer], clip, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("architecture", ["single_fc", "tiny_conv", "ds_cnn"])
def test_a_network_of_whole_clips_has_no_other_ends(architecture):
    model = create_model(architecture, ModelShape(frames=49, features=10, labels=4), ModelOptions())
    with pytest.raises(StapesError, match=r"--end_frames: .* choose --model_architecture svdf"):
        at_every_end(model, 5)
