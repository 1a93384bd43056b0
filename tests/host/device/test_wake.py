# SPDX-License-Identifier: Apache-2.0
"""Two models one after the other: the second hears what follows a wake word, and nothing else."""

import dataclasses

import numpy as np
import pytest

from stapes import _native
from stapes.device.bundle import ModelBundle
from stapes.device.pipeline import Pipeline
from stapes.device.wake import WakeStage, WakeTrace, waking_labels
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings, GateSettings, ModelSettings, WakeSettings
from wake_word import LABELS, WAKE, WAKE_SEED, WOKEN, WOKEN_SCALE, loud_and_soft

AUDIO = loud_and_soft(4)


@pytest.fixture
def wake_word(small_model) -> ModelBundle:
    return ModelBundle.from_bytes(small_model(WAKE, seed=WAKE_SEED), WAKE)


@pytest.fixture
def model(small_model) -> ModelBundle:
    return ModelBundle.from_bytes(small_model(WOKEN, input_scale=WOKEN_SCALE), WOKEN)


def stage_of(wake_word: ModelBundle, model: ModelBundle, seconds: float) -> WakeStage:
    return WakeStage(wake_word, model, WakeSettings(awake_seconds=seconds))


def awake_times(trace: WakeTrace) -> list[tuple[int, int]]:
    """When the model woke and fell asleep, without a time that the end of the audio cut off."""
    starts: list[int] = []
    for start in trace.woken_ms:
        if not starts or any(starts[-1] < end <= start for end in trace.asleep_ms):
            starts.append(start)
    return list(zip(starts, trace.asleep_ms, strict=False))


def test_the_wake_word_is_heard_as_by_its_model_alone(wake_word, model):
    alone = Pipeline(wake_word).process(AUDIO)
    staged = stage_of(wake_word, model, 0.1).process(AUDIO).wake_word
    np.testing.assert_array_equal(staged.scores, alone.scores)
    np.testing.assert_array_equal(staged.times_ms, alone.times_ms)
    assert staged.detections == alone.detections


def test_every_word_wakes_and_silence_and_unknown_words_do_not(wake_word, model):
    trace = stage_of(wake_word, model, 0.1).process(AUDIO)
    heard = trace.wake_word.detections
    assert {found.label for found in heard} > {"yes"}  # others too, or this proves nothing
    words = [found.time_ms for found in heard if found.label in ("yes", "no")]
    assert trace.woken_ms == words != []


@pytest.mark.parametrize("milliseconds", [300, 307])  # whole frames, and not
def test_the_model_hears_what_follows_the_word_as_if_it_began_there(wake_word, model, milliseconds):
    trace = stage_of(wake_word, model, milliseconds / 1000).process(AUDIO)
    woken_ms = trace.woken_ms[0]
    assert trace.asleep_ms[0] == woken_ms + milliseconds
    heard = AUDIO[woken_ms * 16 : (woken_ms + milliseconds) * 16]
    alone = Pipeline(model).process(heard)
    count = len(alone.scores)
    np.testing.assert_array_equal(trace.model.inputs[:count], alone.inputs)
    np.testing.assert_array_equal(trace.model.scores[:count], alone.scores)
    np.testing.assert_array_equal(trace.model.times_ms[:count], alone.times_ms + woken_ms)


def test_a_second_sleep_leaves_nothing_of_the_first(wake_word, model):
    trace = stage_of(wake_word, model, 0.1).process(AUDIO)
    awake = awake_times(trace)
    assert len(awake) > 2
    parts = [Pipeline(model).process(AUDIO[start * 16 : end * 16]) for start, end in awake]
    scores = np.concatenate([part.scores for part in parts])
    np.testing.assert_array_equal(trace.model.scores[: len(scores)], scores)


def test_a_word_while_awake_makes_it_longer_without_a_new_start(wake_word, model):
    trace = stage_of(wake_word, model, 1.5).process(AUDIO)
    first, second = trace.woken_ms[:2]
    assert second < first + 1500  # or the models are too quiet for this test
    assert not any(time_ms < second + 1500 for time_ms in trace.asleep_ms)
    until = trace.asleep_ms[0] if trace.asleep_ms else len(AUDIO) // 16
    alone = Pipeline(model).process(AUDIO[first * 16 : until * 16])
    np.testing.assert_array_equal(trace.model.scores[: len(alone.scores)], alone.scores)


@pytest.mark.parametrize("seconds", [0.001, 0.1, 1.5])
def test_how_audio_is_cut_up_makes_no_difference(wake_word, model, seconds):
    stage = stage_of(wake_word, model, seconds)
    whole = stage.process(AUDIO)
    stage.reset()
    cuts = np.random.default_rng(0).integers(0, len(AUDIO), 300)
    parts = [stage.process(part) for part in np.split(AUDIO, np.sort(cuts))]
    for name in ("woken_ms", "asleep_ms"):
        assert [at for part in parts for at in getattr(part, name)] == getattr(whole, name)
    for part_of in (lambda trace: trace.model, lambda trace: trace.wake_word):
        joined = np.concatenate([part_of(part).scores for part in parts])
        np.testing.assert_array_equal(joined, part_of(whole).scores)
    assert [found for part in parts for found in part.detections] == whole.detections != []


def test_a_reset_sleeps_and_begins_at_the_first_sample(wake_word, model):
    stage = stage_of(wake_word, model, 600)
    first = stage.process(AUDIO)
    assert not first.asleep_ms  # it is awake when the reset comes
    stage.reset()
    again = stage.process(AUDIO)
    assert again.woken_ms == first.woken_ms
    assert again.detections == first.detections


def test_what_a_gate_has_put_off_is_scored_before_the_model_sleeps_and_at_the_end(small_model):
    gate = GateSettings(replay_inferences=5, hold_ms=200, onset_ms=60)
    bundles = []
    for settings, values in ((WAKE, {"seed": WAKE_SEED}), (WOKEN, {"input_scale": WOKEN_SCALE})):
        gated = dataclasses.replace(settings, gate=gate)
        bundles.append(ModelBundle.from_bytes(small_model(gated, **values), gated))
    wake_word, model = bundles
    stage = stage_of(wake_word, model, 0.46)
    traces = [stage.process(AUDIO), stage.finish()]
    alone = Pipeline(wake_word).process_all(AUDIO)
    scores = np.concatenate([trace.wake_word.scores for trace in traces])
    np.testing.assert_array_equal(scores, alone.scores)
    parts_awake = awake_times(traces[0])
    assert parts_awake
    parts = [
        Pipeline(model).process_all(AUDIO[start * 16 : end * 16]) for start, end in parts_awake
    ]
    scores = np.concatenate([part.scores for part in parts])
    np.testing.assert_array_equal(traces[0].model.scores[: len(scores)], scores)


def test_models_for_different_rates_are_refused(wake_word, small_model):
    settings = ModelSettings(
        name="slow", labels=LABELS, front_end=FrontEndSettings(sample_rate=8000)
    )
    slow = ModelBundle.from_bytes(small_model(settings), settings)
    with pytest.raises(StapesError, match=r"wake: found a model for 16000 Hz, expected 8000 Hz"):
        WakeStage(wake_word, slow)


def test_the_native_stage_refuses_what_no_host_asks_for(wake_word, model):
    one, other = Pipeline(wake_word), Pipeline(model)
    for awake_ms, second in ((0, other), (600_001, other), (1000, one)):
        with pytest.raises(ValueError, match="two pipelines of one rate, and 1 ms to 10 minutes"):
            _native.WakeStage(
                wake_word=one.native, model=second.native, awake_ms=awake_ms, waking_labels=4
            )


def test_the_words_are_what_wakes():
    settings = ModelSettings(name="m", labels=("yes", "_unknown_", "no", "_silence_"))
    assert waking_labels(settings) == 0b0101
    many = dataclasses.replace(settings, labels=tuple(f"w{index}" for index in range(64)))
    assert waking_labels(many) == 2**64 - 1
