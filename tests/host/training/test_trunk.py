# SPDX-License-Identifier: Apache-2.0
"""A training for other words begins with the first layers of an earlier one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tones import trained_tones

from stapes.corpus.index import CorpusSettings
from stapes.errors import StapesError
from stapes.networks.options import ModelOptions
from stapes.networks.registry import create_model
from stapes.training.checkpoint import FILE_NAME, Checkpoint
from stapes.training.loop import train
from stapes.training.settings import Schedule
from stapes.training.start import find_start, fingerprint
from stapes.training.trunk import begin_with, freeze, load_trunk


@pytest.fixture(scope="module")
def trunk() -> Checkpoint:
    return Checkpoint.load(trained_tones().train_dir / FILE_NAME)


def network(settings, **options):
    model = dataclasses.replace(settings.model, **options)
    return create_model(settings.architecture, settings.shape, model, seed=1)


def test_all_layers_but_the_last_are_taken(trunk):
    model = network(trunk.settings)
    untouched = [variable.numpy() for variable in model.layers[-1].variables]
    layers = [layer for layer in model.layers if layer.variables]
    assert begin_with(model, trunk, source="trunk") == len(layers) - 1
    arrays = [variable.numpy() for layer in layers[:-1] for variable in layer.variables]
    for found, expected in zip(arrays, trunk.model, strict=False):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(model.layers[-1].variables, untouched, strict=True):
        np.testing.assert_array_equal(found.numpy(), expected)


def test_layers_are_taken_until_one_has_other_shapes(trunk):
    first, *_, last = trunk.settings.model.svdf_units
    model = network(trunk.settings, svdf_units=(first, last + 1))
    assert begin_with(model, trunk, source="trunk") == 1


def test_a_trunk_of_another_network_is_refused(trunk):
    model = network(trunk.settings, svdf_units=(5, 5))
    with pytest.raises(StapesError, match=r"^trunk: found a first layer of other shapes"):
        begin_with(model, trunk, source="trunk")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"architecture": "residual_svdf", "model": ModelOptions()}, "architecture svdf"),
        ({"front_end": {"channel_count": 21}}, "channel_count"),
    ],
)
def test_a_trunk_that_hears_otherwise_is_refused(trunk, change, told):
    if "front_end" in change:
        change = {"front_end": dataclasses.replace(trunk.settings.front_end, **change["front_end"])}
    settings = dataclasses.replace(trunk.settings, **change)
    with pytest.raises(StapesError, match=told):
        load_trunk(trained_tones().train_dir / FILE_NAME, settings)


def test_a_stopped_training_on_a_trunk_goes_on_and_another_trunk_is_refused(trunk, tmp_path):
    named, own = tmp_path / "trunk.npz", tmp_path / FILE_NAME
    trunk.save(named)
    settings = dataclasses.replace(trunk.settings, corpus=CorpusSettings(wanted_words=("low",)))
    assert find_start(own, "", settings, trunk=named).trunk.step == trunk.step
    origin = {**trunk.origin, "began": fingerprint(trunk)}
    dataclasses.replace(trunk, settings=settings, origin=origin, step=3).save(own)
    found = find_start(own, "", settings, trunk=named)
    assert found.trunk is None and found.checkpoint.step == 3
    dataclasses.replace(trunk, step=trunk.step + 1).save(named)
    with pytest.raises(StapesError, match=f"{own}: found a training that did not begin at {named}"):
        find_start(own, "", settings, trunk=named)


def test_a_trunk_and_a_start_checkpoint_exclude_each_other(trunk, tmp_path):
    with pytest.raises(StapesError, match=r"^--trunk and --start_checkpoint: "):
        train(
            trunk.settings,
            data_dir=tmp_path,
            train_dir=tmp_path / "t",
            trunk="a.npz",
            start_checkpoint="b.npz",
        )


def test_a_model_on_a_trunk_owes_what_the_trunk_owes(trunk, tmp_path):
    named = tmp_path / "trunk.npz"
    trunk.save(named)
    assert find_start(tmp_path / FILE_NAME, "", trunk.settings, trunk=named).attribution == (
        "Hiss of the tests, CC0"
    )


def test_frozen_layers_stay_as_the_trunk_has_them(trunk, tmp_path):
    named = tmp_path / "trunk.npz"
    trunk.save(named)
    settings = dataclasses.replace(
        trunk.settings, schedule=Schedule(steps=(3,), rates=(0.01,)), frozen_layers=1
    )
    folder = tmp_path / "t"
    train(
        settings,
        data_dir=trained_tones().data_dir,
        train_dir=folder,
        trunk=named,
        log=lambda line: None,
    )
    made = Checkpoint.load(folder / FILE_NAME).model
    first = len(next(layer for layer in network(settings).layers if layer.variables).variables)
    changed = [not np.array_equal(a, b) for a, b in zip(made, trunk.model, strict=True)]
    assert not any(changed[:first]) and all(changed[first:])


@pytest.mark.parametrize("count", [4, 10])
def test_a_network_that_could_learn_nothing_is_refused(trunk, count):
    with pytest.raises(StapesError, match=f"--frozen_layers={count}: expected fewer than the 4"):
        freeze(network(trunk.settings), count)


def test_frozen_layers_without_a_trunk_are_refused(trunk, tmp_path):
    settings = dataclasses.replace(trunk.settings, frozen_layers=1)
    with pytest.raises(StapesError, match="--frozen_layers=1: found no layers that have learnt"):
        train(settings, data_dir=tmp_path, train_dir=tmp_path / "t")
