# SPDX-License-Identifier: Apache-2.0
"""The training loop: schedules, checkpoints, resuming, and the result of the training."""

from __future__ import annotations

import dataclasses
import signal
import threading
import time

import numpy as np
import pytest
from tones import WANTED, trained_tones, write_tones

from stapes.corpus.augment_settings import AugmentSettings
from stapes.corpus.index import CorpusSettings
from stapes.device.features import (
    FeatureExtractor,
    Quantization,
    choose_quantization,
)
from stapes.errors import StapesError
from stapes.evaluation.confusion import Confusion
from stapes.model.settings import FrontEndSettings
from stapes.networks.options import ModelOptions
from stapes.networks.registry import create_model
from stapes.training.checkpoint import FILE_NAME, Checkpoint, assign
from stapes.training.corpus import Corpus
from stapes.training.distillation import Teacher
from stapes.training.loop import train
from stapes.training.prefetch import prefetch
from stapes.training.settings import Schedule, TrainingSettings

LOGMEL = FrontEndSettings(sample_rate=8000, channel_count=20, dct_coefficient_count=0)


def settings(**changes) -> TrainingSettings:
    """A training of 12 steps that takes a second."""
    base = TrainingSettings(
        corpus=CorpusSettings(wanted_words=WANTED, unknown_percentage=50),
        front_end=LOGMEL,
        model=ModelOptions(svdf_units=(6, 6), dropout=0.2),
        schedule=Schedule(steps=(12,), rates=(0.01,), decay="cosine"),
        augmentation=AugmentSettings(time_mask_frames=4, frequency_mask_channels=4),
        batch_size=16,
        save_step_interval=5,
    )
    return dataclasses.replace(base, **changes)


def run(tmp_path, name, chosen, log=lambda line: None, **options):
    folder = tmp_path / name
    train(chosen, data_dir=trained_tones().data_dir, train_dir=folder, log=log, **options)
    return Checkpoint.load(folder / FILE_NAME)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The checkpoint of a training with `settings()`. Tests must not change it."""
    return run(tmp_path_factory.mktemp("unbroken"), "dir", settings())


def same(one: Checkpoint, other: Checkpoint) -> bool:
    pairs = zip(one.model + one.optimizer, other.model + other.optimizer, strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_stages_follow_one_another():
    schedule = Schedule(steps=(3, 2), rates=(0.1, 0.01))
    assert [schedule.rate(step) for step in range(6)] == [0.1, 0.1, 0.1, 0.01, 0.01, 0.01]
    assert schedule.total_steps == 5


def test_cosine_lets_the_last_stage_fall_to_zero():
    schedule = Schedule(steps=(2, 4), rates=(0.1, 0.01), decay="cosine")
    rates = [schedule.rate(step) for step in range(7)]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.01, 0.008536, 0.005, 0.001464, 0], atol=1e-6)


def test_warm_up_rises_to_the_rate():
    schedule = Schedule(steps=(9,), rates=(0.4,), warmup_steps=3)
    np.testing.assert_allclose(
        [schedule.rate(step) for step in range(5)], [0.1, 0.2, 0.3, 0.4, 0.4]
    )


@pytest.mark.parametrize(
    "change",
    [
        {"steps": (1, 2, 3), "rates": (0.1, 0.2)},
        {"steps": (), "rates": ()},
        {"steps": (0,)},
        {"rates": (0.0,)},
        {"decay": "linear"},
    ],
)
def test_schedules_that_make_no_sense_are_refused(change):
    with pytest.raises(StapesError, match="expected"):
        Schedule(**{"steps": (5,), "rates": (0.1,), **change})


@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum"])
def test_every_optimizer_trains(tmp_path, optimizer):
    chosen = settings(optimizer=optimizer, schedule=Schedule(steps=(2,), rates=(0.01,)))
    checkpoint = run(tmp_path, "a", chosen)
    assert checkpoint.step == 2
    assert all(np.isfinite(array).all() for array in checkpoint.model)


def test_equal_seeds_give_equal_weights(tmp_path, unbroken):
    again = run(tmp_path, "a", settings())
    assert again.step == unbroken.step == 12
    assert same(again, unbroken)
    assert not same(again, run(tmp_path, "b", settings(seed=1)))


def test_a_network_trained_at_many_ends_is_the_same_kind_of_network(tmp_path, unbroken):
    many = settings(end_frames=6)
    first, second = (run(tmp_path, name, many) for name in ("a", "b"))
    assert same(first, second)
    assert [array.shape for array in first.model] == [array.shape for array in unbroken.model]
    assert not same(first, unbroken)


def test_a_word_is_in_the_middle_of_clips_with_many_ends():
    chosen = settings(
        end_frames=6, augmentation=AugmentSettings(time_shift_ms=0, background_volume=0)
    )
    batch, alone = (
        Corpus(trained_tones().data_dir, entry).training().batch(0)
        for entry in (chosen, dataclasses.replace(chosen, end_frames=1))
    )
    assert batch.samples.shape == (16, 8000 + 5 * 160)
    spoken = batch.labels > 0
    np.testing.assert_array_equal(batch.samples[spoken, 400:-400], alone.samples[spoken])


def test_a_lead_comes_before_the_clip_and_holds_its_surroundings_alone():
    quiet = AugmentSettings(time_shift_ms=0, background_volume=0)
    loud = AugmentSettings(time_shift_ms=0, background_volume=0.5, background_frequency=1)
    led, alone, noisy = (
        Corpus(trained_tones().data_dir, settings(augmentation=variations, lead_ms=lead_ms))
        .training()
        .batch(0)
        for variations, lead_ms in ((quiet, 25), (quiet, 0), (loud, 25))
    )
    lead = settings(lead_ms=25).lead_samples
    assert (settings(lead_ms=25).lead_frames, lead) == (2, 2 * 160)  # whole frames of 20 ms
    spoken = led.labels > 0
    assert led.samples.shape == (16, lead + 8000)
    np.testing.assert_array_equal(led.samples[spoken, lead:], alone.samples[spoken])
    assert not led.samples[spoken, :lead].any()
    assert noisy.samples[spoken, :lead].any(axis=1).all()


def test_a_network_hears_the_clip_after_its_lead_and_nothing_else(tmp_path):
    """Leads of zeros and a front end without memory: the weights are equal with a lead and without.
    Both trainings start from one checkpoint, for equal int8 features, and simulate int8."""
    words = CorpusSettings(wanted_words=WANTED, unknown_percentage=50, silence_percentage=0)
    still = AugmentSettings(time_shift_ms=0, background_volume=0, time_mask_frames=4)
    short = settings(corpus=words, augmentation=still, schedule=Schedule(steps=(2,), rates=(0.01,)))
    run(tmp_path, "start", short)
    longer = {"schedule": Schedule(steps=(4,), rates=(0.01,)), "quantize": True}
    alone, led = (
        run(
            tmp_path,
            f"{lead_ms}",
            dataclasses.replace(short, **longer, quantize_delay=2, lead_ms=lead_ms),
            start_checkpoint=tmp_path / "start" / FILE_NAME,
        )
        for lead_ms in (0, 25)
    )
    assert led.step == 4 and same(led, alone)
    assert len(led.ranges) == len(alone.ranges) > 0
    for one, other in zip(led.ranges, alone.ranges, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_teacher_and_int8_know_one_end_alone(tmp_path):
    with pytest.raises(StapesError, match="--teacher and --end_frames"):
        run(tmp_path, "a", settings(end_frames=2), teacher="any.npz")
    with pytest.raises(StapesError, match="--quantize and --end_frames"):
        settings(end_frames=2, quantize=True)


def test_a_stopped_training_goes_on_bit_for_bit(tmp_path, unbroken):

    def stop(line):
        if line.startswith("Step 8: Validation"):
            raise KeyboardInterrupt

    lines = []
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "cut", settings(eval_step_interval=8), log=stop)
    assert Checkpoint.load(tmp_path / "cut" / FILE_NAME).step == 8
    resumed = run(tmp_path, "cut", settings(), log=lines.append)
    assert any("Going on from step 8" in line for line in lines)
    assert same(unbroken, resumed)


def test_a_stop_during_a_validation_makes_it_again(tmp_path, monkeypatch):
    chosen = settings(eval_step_interval=5)
    whole = run(tmp_path, "whole", chosen)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("stapes.training.loop.evaluate", interrupted)
        run(tmp_path, "stopped", chosen)
    assert Checkpoint.load(tmp_path / "stopped" / FILE_NAME).step == 5
    assert run(tmp_path, "stopped", chosen).history == whole.history
    assert run(tmp_path, "stopped", chosen).history == whole.history  # nothing left to do


def test_a_stop_right_after_an_update_repeats_no_step(tmp_path, monkeypatch, unbroken):
    from stapes.training import loop

    compiled = loop.compiled_step

    def interrupted(*arguments):
        step, calls = compiled(*arguments), iter(range(100))

        def run_step(*batch):
            result = step(*batch)
            if next(calls) == 6:
                raise KeyboardInterrupt
            return result

        return run_step

    with monkeypatch.context() as patch:
        patch.setattr(loop, "compiled_step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, "cut", settings())
    assert Checkpoint.load(tmp_path / "cut" / FILE_NAME).step == 7
    assert same(unbroken, run(tmp_path, "cut", settings()))


def test_ctrl_c_during_a_step_waits_for_the_end_of_that_step(tmp_path, monkeypatch, unbroken):
    from stapes.training import loop

    compiled, ended = loop.compiled_step, []

    def pressed(*arguments):
        step = compiled(*arguments)

        def run_step(*batch):
            if len(ended) == 6:
                signal.raise_signal(signal.SIGINT)
            ended.append(step(*batch))
            return ended[-1]

        return run_step

    with monkeypatch.context() as patch:
        patch.setattr(loop, "compiled_step", pressed)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, "cut", settings())
    assert len(ended) == Checkpoint.load(tmp_path / "cut" / FILE_NAME).step == 7
    assert same(unbroken, run(tmp_path, "cut", settings()))


def test_a_start_checkpoint_is_taken_up_in_another_folder(tmp_path):
    short = settings(schedule=Schedule(steps=(4,), rates=(0.01,)))
    run(tmp_path, "first", short)
    longer = settings(schedule=Schedule(steps=(6,), rates=(0.01,)))
    start = tmp_path / "first" / FILE_NAME
    first = Checkpoint.load(start)
    dataclasses.replace(first, origin={**first.origin, "attribution": "Of Ada, CC0"}).save(start)
    assert run(tmp_path, "second", longer, start_checkpoint=start).step == 6
    assert Checkpoint.load(start).step == 4
    second = Checkpoint.load(tmp_path / "second" / FILE_NAME)
    assert "Of Ada, CC0" in second.origin["attribution"]
    lines = []
    run(tmp_path, "second", longer, start_checkpoint=start, log=lines.append)
    assert f"Going on from step 6 of {tmp_path / 'second' / FILE_NAME}" in lines


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"corpus": CorpusSettings(wanted_words=("up",))}, "wanted_words up,down, expected up"),
        ({"architecture": "conv"}, "architecture svdf, expected conv"),
        (
            {"model": ModelOptions(svdf_units=(6, 7), dropout=0.2)},
            "svdf_units 6,6, expected 6,7",
        ),
        ({"model": ModelOptions()}, "svdf_units 6,6, expected as the architecture has it"),
        ({"optimizer": "momentum"}, "optimizer adamw, expected momentum"),
        ({"clip_duration_ms": 900}, "clip_duration_ms 1000, expected 900"),
    ],
)
def test_a_training_of_another_kind_is_not_continued(change, what):
    earlier, now = settings(), dataclasses.replace(settings(), **change)
    with pytest.raises(StapesError, match=rf"^x\.npz: found .*{what}.*, or choose another$"):
        now.check_continues(earlier, source="x.npz", remedy="choose another")
    now.check_continues(now, source="x.npz", remedy="")


def test_a_checkpoint_of_another_kind_is_told_before_training(tmp_path):
    run(tmp_path, "dir", settings(schedule=Schedule(steps=(1,), rates=(0.01,))))
    wide = settings(model=ModelOptions(svdf_units=(7,)))
    with pytest.raises(StapesError, match=r"or choose another --train_dir, or remove this file$"):
        run(tmp_path, "dir", wide)
    with pytest.raises(StapesError, match=r"or leave out --start_checkpoint$"):
        run(tmp_path, "new", wide, start_checkpoint=tmp_path / "dir" / FILE_NAME)
    assert not (tmp_path / "new").exists()


def test_the_log_has_the_tutorials_form(tmp_path):
    lines = []
    run(tmp_path, "dir", settings(), log=lines.append)
    steps = [line for line in lines if line.startswith("Step #12: rate ")]
    assert "accuracy" in steps[0] and "cross entropy" in steps[0]
    assert any(line.startswith("Confusion Matrix:\n") for line in lines)
    assert any(line.startswith("Step 12: Validation accuracy = ") for line in lines)
    assert any(line.startswith("Final test accuracy = ") for line in lines)


def test_what_is_missing_in_the_corpus_is_said(tmp_path):
    folder = write_tones(tmp_path / "data", background=False)
    for clip in (folder / "flat").iterdir():
        clip.unlink()
    lines = []
    one_step = settings(schedule=Schedule(steps=(1,), rates=(0.01,)))
    train(one_step, data_dir=folder, train_dir=tmp_path / "dir", log=lines.append)
    notes = [line for line in lines if line.startswith("Note: ")]
    assert "no _background_noise_" in notes[0] and "no clips of other words" in notes[1]


def test_a_damaged_checkpoint_is_named(tmp_path):
    whole = run(tmp_path, "dir", settings(schedule=Schedule(steps=(1,), rates=(0.01,))))
    path = tmp_path / "dir" / FILE_NAME
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(StapesError, match=r"checkpoint\.npz: found a damaged or foreign file"):
        Checkpoint.load(path)
    path.write_bytes(b"RIFF")
    with pytest.raises(StapesError, match=r"found a damaged or foreign file \(no \.npz archive"):
        Checkpoint.load(path)
    with pytest.raises(StapesError, match="found no such file, expected a checkpoint"):
        Checkpoint.load(tmp_path / "nothing.npz")
    other = create_model("svdf", settings().shape, ModelOptions(svdf_units=(6, 5)))
    with pytest.raises(StapesError, match=r"\(6x6 where this one has 6x5, array \d+\)"):
        assign(other.variables, whole.model, source="x.npz")


def test_a_training_that_diverges_stops_and_keeps_its_last_checkpoint(tmp_path):
    plain = {"optimizer": "gradient_descent"}
    good = run(tmp_path, "dir", settings(**plain, schedule=Schedule(steps=(3,), rates=(0.01,))))
    wild = settings(**plain, schedule=Schedule(steps=(60,), rates=(1000.0,)))
    with pytest.raises(StapesError, match=r"--learning_rate: found a loss or weights that are not"):
        run(tmp_path, "dir", wild)
    kept = Checkpoint.load(tmp_path / "dir" / FILE_NAME)
    assert kept.finite and kept.step < 60 and good.step == 3


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    whole = run(tmp_path, "dir", settings(schedule=Schedule(steps=(1,), rates=(0.01,))))
    bad = dataclasses.replace(whole, model=[whole.model[0] * np.nan, *whole.model[1:]])
    bad.save(tmp_path / "nan.npz")
    with pytest.raises(StapesError, match=r"nan\.npz: found weights that are not numbers"):
        Checkpoint.load(tmp_path / "nan.npz")


@pytest.mark.parametrize("origin", [[], {}, {"command": 1, "data_dir": "x"}])
def test_a_checkpoint_of_foreign_origin_is_refused(tmp_path, origin):
    whole = Checkpoint.load(trained_tones().train_dir / FILE_NAME)
    dataclasses.replace(whole, origin=origin).save(tmp_path / "odd.npz")
    with pytest.raises(StapesError, match=r"odd\.npz: found a damaged or foreign file"):
        Checkpoint.load(tmp_path / "odd.npz")


def test_a_checkpoint_with_text_for_weights_is_refused(tmp_path):
    good = Checkpoint.load(trained_tones().train_dir / FILE_NAME)
    odd = tmp_path / "odd.npz"
    dataclasses.replace(good, model=[np.array(["a"]), *good.model[1:]]).save(odd)
    with pytest.raises(StapesError, match=r"odd\.npz: found .*model_0000: expected numbers"):
        Checkpoint.load(odd)


def test_a_checkpoint_of_unknown_compression_is_refused(tmp_path):
    content = bytearray((trained_tones().train_dir / FILE_NAME).read_bytes())
    content[content.index(b"PK\x01\x02") + 10] = 99
    (tmp_path / "odd.npz").write_bytes(content)
    with pytest.raises(StapesError, match=r"odd\.npz: found a damaged or foreign file"):
        Checkpoint.load(tmp_path / "odd.npz")


def test_a_folder_that_takes_no_checkpoint_is_told_before_training(tmp_path):
    (tmp_path / "dir" / FILE_NAME).mkdir(parents=True)
    notes = []
    with pytest.raises(StapesError, match=r"checkpoint\.npz: found a folder"):
        run(tmp_path, "dir", settings(), log=notes.append)
    assert notes == []


def test_a_pupil_is_drawn_to_its_teachers_scores(tmp_path):
    taught_by = run(tmp_path, "teacher", settings())
    chosen = settings(teacher_weight=0.75, teacher_temperature=2.0)
    teacher = Teacher(tmp_path / "teacher" / FILE_NAME, chosen)
    features = np.random.default_rng(1).normal(size=(5, *teacher.shape)).astype(np.float32)
    model = create_model("svdf", chosen.shape, chosen.model)
    assign(model.variables, taught_by.model, source="here")
    same = model(features, training=False)

    def loss(logits, cross_entropy=0.0):
        return float(teacher.loss(features, logits, cross_entropy))

    assert loss(same) < min(loss(same + np.eye(4)[0]), loss(same * 0.5), loss(same * 2))
    assert loss(same, 8.0) == pytest.approx(loss(same) + 0.25 * 8, rel=1e-5)
    gradient = np.array([loss(same + 1e-2 * step) - loss(same) for step in np.eye(4)])
    assert np.abs(gradient).max() < 1e-3  # no scores are better than those of the teacher


def test_a_pupil_takes_its_teachers_features(tmp_path, unbroken):
    loud = AugmentSettings(gain_db=40)
    taught_by = run(tmp_path, "teacher", settings(augmentation=loud))
    pupil = run(tmp_path, "pupil", settings(), teacher=tmp_path / "teacher" / FILE_NAME)
    assert pupil.quantization == taught_by.quantization
    assert unbroken.quantization != taught_by.quantization


def test_a_teacher_of_other_features_is_refused(tmp_path):
    run(tmp_path, "teacher", settings())
    other = settings(front_end=dataclasses.replace(LOGMEL, upper_edge_hertz=3000))
    with pytest.raises(StapesError, match=r"found a model with front_end .* choose a teacher"):
        run(tmp_path, "pupil", other, teacher=tmp_path / "teacher" / FILE_NAME)


def test_settings_survive_the_checkpoint():
    chosen = settings()
    assert TrainingSettings.from_json(chosen.to_json(), source="x") == chosen


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"lucky": 7}', "unknown setting 'lucky'"),
        ("{}", "missing setting 'corpus'"),
        ('{"corpus": {}}', "corpus: missing setting 'wanted_words'"),
        ('{"corpus": 7}', "corpus: 7 holds no settings"),
        ('{"corpus": {"wanted_words": 7}}', "wanted_words: 7 is not of type tuple"),
        ("7", "7 holds no settings"),
    ],
)
def test_settings_of_another_version_are_named(content, what):
    pattern = (
        rf"^x\.npz: found settings of another version of stapes \(.*{what}\), expected .*again"
    )
    with pytest.raises(StapesError, match=pattern):
        TrainingSettings.from_json(content, source="x.npz")


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "magic"},
        {"batch_size": 0},
        {"end_frames": 0},
        {"label_smoothing": 1.0},
        {"batch_size": 10**8},
        {"seed": -1},
        {"seed": 2**32},
        {"weight_decay": -1.0},
        {"weight_decay": float("nan")},
        {"clip_duration_ms": 20},
        {"clip_duration_ms": 10**9},
    ],
)
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(StapesError, match=f"--{next(iter(change))}=.*expected"):
        settings(**change)


def test_quantization_gives_speech_its_steps_and_silence_the_floor():
    generator = np.random.default_rng(0)
    clips = generator.normal(0, 1000, (20, 8000)).astype(np.int16)
    clips[:, :4000] = 0
    chosen = choose_quantization(LOGMEL, clips)
    stored = FeatureExtractor(LOGMEL, chosen).stored(clips)
    assert (stored[:, :10] == -128).all()  # digital silence
    loud = stored[:, 30:].astype(int)
    assert loud.min() < 0 and loud.max() > 120  # the noise uses most of the range


def test_digital_silence_alone_still_gives_a_range():
    chosen = choose_quantization(LOGMEL, np.zeros((2, 8000), np.int16))
    assert chosen.scale > 0.1


@pytest.mark.parametrize(("low", "high"), [(-6.0, 4.0), (0.0, 5.0), (-7.5, 0.0), (-20.0, -10.0)])
def test_the_int8_steps_cover_their_range_and_zero(low, high):
    quantization = Quantization.of_range(low, high)
    ends = quantization.real(np.array([-128, 127], np.int8))
    assert abs(ends[0] - min(low, 0)) <= quantization.scale
    assert abs(ends[1] - max(high, 0)) <= quantization.scale
    assert -128 <= quantization.zero_point <= 127


def test_a_confusion_matrix_counts_truth_by_row():
    confusion = Confusion.of(np.array([0, 0, 1]), np.array([0, 1, 1]), labels=2)
    assert confusion.matrix.tolist() == [[1, 1], [0, 1]]
    assert confusion.accuracy == pytest.approx(2 / 3)
    assert "50.0%" in confusion.table(("a", "b")).splitlines()[1]


def test_prefetch_keeps_the_order_and_hands_errors_on():
    def make(number):
        if number == 5:
            raise ValueError("five")
        return number * number

    results = []
    with pytest.raises(ValueError, match="five"):
        for item in prefetch(make, range(2, 9), depth=2):
            results.append(item)
    assert results == [4, 9, 16]


def test_prefetch_makes_several_at_once_and_keeps_their_order():
    together = threading.Barrier(3)

    def make(number):
        together.wait(timeout=120)  # a single thread waits for ever
        time.sleep(0.002 * (number % 3))
        return number

    assert list(prefetch(make, range(12), threads=3)) == list(range(12))


def test_prefetch_goes_no_further_ahead_than_its_depth():
    made = []
    items = prefetch(made.append, range(100), depth=3, threads=2)
    next(items)
    items.close()
    assert len(made) <= 4


def test_a_closed_prefetch_ends_its_threads():
    before = threading.active_count()
    items = prefetch(lambda number: number, range(10**9), depth=2)
    assert next(items) == 0
    items.close()
    assert threading.active_count() == before
