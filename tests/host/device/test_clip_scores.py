# SPDX-License-Identifier: Apache-2.0
"""Scores of whole clips: those of a pipeline that hears each clip afresh."""

import numpy as np
import pytest

from stapes.device.clip_scores import clip_scores
from stapes.device.pipeline import Pipeline
from stapes.errors import StapesError
from stapes.model.metadata import load_model
from window_model import window_model

CLIPS = np.random.default_rng(3).integers(-9000, 9000, (5, 16000)).astype(np.int16)


@pytest.fixture(params=["frames", "windows"])
def model(request, tmp_path, small_model):
    path = tmp_path / "model.tflite"
    path.write_bytes(small_model() if request.param == "frames" else window_model())
    return path


def test_each_clip_gets_the_scores_of_a_fresh_pipeline(model):
    expected = [Pipeline.from_file(model).process(clip).scores[-1] for clip in CLIPS]
    np.testing.assert_array_equal(clip_scores(*load_model(model), CLIPS), expected)


def test_no_clips_have_no_scores(model):
    assert clip_scores(*load_model(model), CLIPS[:0]).shape == (0, 4)


def test_clips_without_an_inference_are_refused(model):
    with pytest.raises(StapesError, match="found clips of 400 samples, expected"):
        clip_scores(*load_model(model), CLIPS[:, :400])
