# SPDX-License-Identifier: Apache-2.0
"""The checkpoint with which a training continues, with and without --start_checkpoint."""

from __future__ import annotations

import dataclasses

import pytest
from tones import trained_tones

from stapes.errors import StapesError
from stapes.training.checkpoint import BEST_FILE_NAME, FILE_NAME, Checkpoint
from stapes.training.start import find_start, fingerprint


@pytest.fixture(scope="module")
def base() -> Checkpoint:
    return Checkpoint.load(trained_tones().train_dir / FILE_NAME)


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own").mkdir()
    return tmp_path / "own" / FILE_NAME


@pytest.fixture
def start(base, tmp_path):
    (tmp_path / "earlier").mkdir()
    base.save(tmp_path / "earlier" / FILE_NAME)
    return tmp_path / "earlier" / FILE_NAME


def later(checkpoint: Checkpoint, *, began: str) -> Checkpoint:
    """One step after `checkpoint`, in a training that began at `began`."""
    origin = {**checkpoint.origin, "began": began}
    return dataclasses.replace(checkpoint, step=checkpoint.step + 1, origin=origin)


def test_an_empty_folder_begins_anew(base, own):
    assert find_start(own, "", base.settings).checkpoint is None


def test_an_empty_folder_begins_at_the_start_checkpoint(base, own, start):
    found = find_start(own, start, base.settings)
    assert found.checkpoint.step == base.step and found.source == start
    assert found.began == fingerprint(base)


def test_whose_data_a_start_checkpoint_was_trained_on_is_owed_further(base, own, start):
    assert find_start(own, start, base.settings).attribution == "Hiss of the tests, CC0"
    assert find_start(own, "", base.settings).attribution == ""


def test_a_stopped_training_goes_on_with_its_own_checkpoint(base, own, start):
    later(base, began=fingerprint(base)).save(own)
    found = find_start(own, start, base.settings)
    assert found.checkpoint.step == base.step + 1 and found.source == own
    assert found.began == fingerprint(base)
    assert find_start(own, "", base.settings).began == fingerprint(base)


@pytest.mark.parametrize("began", ["", "0123456789abcdef"])
def test_a_training_that_began_elsewhere_is_not_overwritten(base, own, start, began):
    later(base, began=began).save(own)
    with pytest.raises(
        StapesError, match=rf"^{own}: found a training that did not begin at {start},"
    ):
        find_start(own, start, base.settings)


def test_a_start_that_was_trained_further_is_another_start(base, own, start):
    later(base, began=fingerprint(base)).save(own)
    later(base, began="").save(start)
    with pytest.raises(StapesError, match="did not begin at"):
        find_start(own, start, base.settings)


def test_a_training_can_go_back_to_its_best_step_and_be_stopped_again(base, own):
    best = own.parent / BEST_FILE_NAME
    base.save(best)
    later(base, began="").save(own)
    found = find_start(own, best, base.settings)
    assert found.source == best and found.began == fingerprint(base)
    later(base, began=found.began).save(own)
    assert find_start(own, best, base.settings).source == own


def test_the_folders_own_checkpoint_may_be_named(base, own):
    later(base, began="0123456789abcdef").save(own)
    found = find_start(own, own, base.settings)
    assert found.checkpoint.step == base.step + 1 and found.began == "0123456789abcdef"
