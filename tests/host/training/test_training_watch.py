# SPDX-License-Identifier: Apache-2.0
"""Watching a training: history, best checkpoint, early stop, event files, checks, pictures."""

from __future__ import annotations

import dataclasses
import errno
import io
import os
import signal
import subprocess
import sys
import wave

import numpy as np
import pytest
from tones import LABELS_COUNT, TRAIN_FLAGS, WANTED, trained_tones

from stapes.cli.main import main
from stapes.corpus.index import CorpusSettings
from stapes.device.features import FeatureExtractor, Quantization
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings
from stapes.networks.options import ModelOptions
from stapes.training import loop
from stapes.training.cache import FeatureCache
from stapes.training.checkpoint import BEST_FILE_NAME, FILE_NAME, Checkpoint
from stapes.training.history import History, Point
from stapes.training.loop import RunOptions, train
from stapes.training.prefetch import prefetch
from stapes.training.settings import Schedule, TrainingSettings


def settings(steps: int = 12, **changes) -> TrainingSettings:
    base = TrainingSettings(
        corpus=CorpusSettings(wanted_words=WANTED, unknown_percentage=50),
        front_end=FrontEndSettings(sample_rate=8000, channel_count=20, dct_coefficient_count=0),
        model=ModelOptions(svdf_units=(6, 6), dropout=0.2),
        schedule=Schedule(steps=(steps,), rates=(0.01,)),
        batch_size=16,
    )
    return dataclasses.replace(base, **changes)


def run(folder, chosen, log=lambda line: None, **options):
    return train(
        chosen,
        data_dir=trained_tones().data_dir,
        train_dir=folder,
        options=RunOptions(**options),
        log=log,
    )


def events(folder) -> list:
    """All events of the one file in a folder, read by TensorFlow."""
    from stapes.networks.backend import tf

    (path,) = folder.glob("events.out.tfevents.*")
    records = tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    return [tf.compat.v1.Event.FromString(record) for record in records]


def values(folder) -> dict:
    """tag -> [(step, value)]."""
    found = {}
    for event in events(folder):
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value))
    return found


def point(step, accuracy):
    return Point(step=step, accuracy=accuracy, cross_entropy=1.0)


def test_of_equal_validations_the_first_is_the_best():
    history = History(validation=[point(1, 0.5), point(2, 0.7), point(3, 0.7)])
    assert history.best().step == 2
    assert not history.is_best()
    assert history.evaluations_since_best() == 1
    assert history.until(2).is_best()
    assert History.from_json(history.to_json()) == history
    assert History().best() is None and History().evaluations_since_best() == 0


def test_the_best_checkpoint_is_that_of_the_best_validation(tmp_path):
    result = run(tmp_path, settings(eval_step_interval=3))
    best = result.history.best()
    assert [point.step for point in result.history.validation] == [3, 6, 9, 12]
    assert Checkpoint.load(tmp_path / BEST_FILE_NAME).step == best.step
    assert Checkpoint.load(tmp_path / FILE_NAME).history == result.history


def test_a_training_without_progress_stops_early_and_stays_stopped(tmp_path, monkeypatch):
    lines = []
    scores = iter([0.5, 0.9, 0.6, 0.9, 0.7])

    def scripted(model, features, labels):
        predicted, wrong = np.array(labels), round((1 - next(scores, 0.1)) * len(labels))
        predicted[:wrong] = (predicted[:wrong] + 1) % LABELS_COUNT
        return predicted, 1.0

    trained_tones()  # train first: the scores are replaced below
    monkeypatch.setattr(loop, "evaluate", scripted)
    chosen = settings(steps=40, eval_step_interval=2, early_stopping_evaluations=2)
    result = run(tmp_path, chosen, log=lines.append)
    assert [point.step for point in result.history.validation] == [2, 4, 6, 8]
    best = f"{100 * result.history.best().accuracy:.1f}% of step 4"
    assert any(f"Stopped early: no validation better than {best}" in line for line in lines)
    assert Checkpoint.load(tmp_path / BEST_FILE_NAME).step == 4
    run(tmp_path, chosen)
    assert Checkpoint.load(tmp_path / FILE_NAME).step == 8


def test_event_files_hold_curves_clips_features_and_the_confusion_matrix(tmp_path):
    summaries = tmp_path / "logs"
    result = run(tmp_path / "train", settings(eval_step_interval=6), summaries_dir=summaries)
    training, validation = values(summaries / "train"), values(summaries / "validation")
    steps = [step for step, _ in training["cross_entropy"]]
    assert steps == list(range(1, 13))
    assert {"accuracy", "learning_rate"} <= set(training)
    accuracies = [value.simple_value for _, value in validation["accuracy"]]
    expected = [point.accuracy for point in result.history.validation]
    np.testing.assert_allclose(accuracies, expected, rtol=1e-6)
    (sound,) = (value.audio for _, value in training["clip/up"])
    with wave.open(io.BytesIO(sound.encoded_audio_string)) as clip:
        assert (clip.getframerate(), clip.getnframes()) == (8000, 8000)
    image = training["features/up"][0][1].image
    assert image.height == 4 * 20 and image.encoded_image_string.startswith(b"\x89PNG")
    assert len(validation["confusion_matrix"]) == 2


def test_a_resumed_training_tells_tensorboard_to_forget_the_steps_it_repeats(tmp_path):
    from stapes.networks.backend import tf

    run(tmp_path / "train", settings(steps=3))
    run(tmp_path / "train", settings(steps=5), summaries_dir=tmp_path / "logs")
    first = events(tmp_path / "logs" / "train")[1]
    assert first.session_log.status == tf.compat.v1.SessionLog.START and first.step == 4


def test_a_summaries_dir_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "logs").write_text("")
    with pytest.raises(StapesError, match="logs/train: cannot be written"):
        run(tmp_path / "train", settings(steps=1), summaries_dir=tmp_path / "logs")


def test_check_nans_changes_no_weights(tmp_path):
    run(tmp_path / "a", settings())
    run(tmp_path / "b", settings(), check_nans=True)
    pair = (Checkpoint.load(tmp_path / name / FILE_NAME) for name in ("a", "b"))
    one, other = (checkpoint.model for checkpoint in pair)
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("architecture", "spoiled", "name"),
    [
        ("svdf", "features", "features"),
        ("svdf", "weights", "output of layer svdf_2"),
        ("residual_svdf", "weights", "output of layer svdf_2"),
    ],
)
def test_check_nans_names_the_first_tensor_and_the_step(
    tmp_path, monkeypatch, architecture, spoiled, name, ends=1
):
    before_step = loop.NanWatch.before_step

    def spoil_weights(self):
        if self._optimizer.iterations == 4:
            layer = self._model.get_layer("svdf_2")
            layer.time_weights.assign(layer.time_weights * np.inf)
        before_step(self)

    def spoil_features(make, numbers):
        for number, made in zip(numbers, prefetch(make, numbers), strict=True):
            made.features[3, 4, 5] = np.nan if number == 4 else 0
            yield made

    chosen = settings(
        architecture=architecture,
        end_frames=ends,
        schedule=Schedule(steps=(8,), rates=(0.01,)),
    )
    if spoiled == "weights":
        monkeypatch.setattr(loop.NanWatch, "before_step", spoil_weights)
    if spoiled == "features":
        monkeypatch.setattr(loop, "prefetch", spoil_features)
    with pytest.raises(StapesError, match=rf"step 5: found values that are not numbers in {name}"):
        run(tmp_path, chosen, check_nans=True)


def test_so_it_does_with_many_ends(tmp_path, monkeypatch):
    test_check_nans_names_the_first_tensor_and_the_step(
        tmp_path, monkeypatch, "svdf", "weights", "output of the model", ends=3
    )


def test_an_update_that_overflows_is_named_by_its_variable():
    from stapes.networks.registry import create_model
    from stapes.training.step import make_optimizer

    chosen = settings()
    model = create_model(chosen.architecture, chosen.shape, chosen.model)
    watch = loop.NanWatch(model, make_optimizer(chosen))
    watch.before_step()
    assert watch.finite()
    bias = model.get_layer("final_fc").bias
    bias.assign(bias + np.inf)
    assert not watch.finite()
    clips = np.zeros((2, chosen.shape.frames, chosen.shape.features), np.float32)
    named = watch.first_bad_tensor(clips, np.zeros(2, np.int32))
    assert named == f"new value of {bias.path}"
    assert watch.finite()


def test_features_of_fixed_clips_are_computed_once(tmp_path, monkeypatch):
    front_end = FrontEndSettings(sample_rate=8000)
    extractor = FeatureExtractor(front_end, Quantization(scale=0.1, zero_point=0))
    clips = np.random.default_rng(0).normal(0, 999, (4, 8000)).astype(np.int16)
    cache = FeatureCache(tmp_path / "cache")
    expected = extractor.stored(clips)
    assert np.array_equal(cache.stored(extractor, clips), expected)
    (entry,) = (tmp_path / "cache").iterdir()

    def other(scale=0.1, **changes):
        return FeatureExtractor(
            dataclasses.replace(front_end, **changes), Quantization(scale=scale, zero_point=0)
        )

    with monkeypatch.context() as patch:
        patch.setattr(FeatureExtractor, "stored", None)
        assert np.array_equal(cache.stored(extractor, clips), expected)
        for changed in (
            lambda: cache.stored(extractor, clips + 1),
            lambda: cache.stored(extractor, clips[:3]),
            lambda: cache.stored(other(scale=0.2), clips),
            lambda: cache.stored(other(lower_edge_hertz=30), clips),
        ):
            with pytest.raises(TypeError):
                changed()
    entry.write_bytes(entry.read_bytes()[:-9])
    assert np.array_equal(cache.stored(extractor, clips), expected)


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path):
    (tmp_path / "cache").write_text("")
    extractor = FeatureExtractor(FrontEndSettings(), Quantization(scale=0.1, zero_point=0))
    clips = np.zeros((2, 16000), np.int16)
    assert FeatureCache(tmp_path / "cache").stored(extractor, clips).shape == (2, 49, 40)


def test_a_killed_training_goes_on_to_the_weights_of_an_unbroken_one(tmp_path):
    data_dir = trained_tones().data_dir
    flags = [*TRAIN_FLAGS, "--how_many_training_steps", "20", "--save_step_interval", "4"]

    def command(name):
        folders = ["--data_dir", str(data_dir), "--train_dir", str(tmp_path / name)]
        return ["train", *folders, *flags, "--verbosity", "debug"]

    process = subprocess.Popen(
        [sys.executable, "-m", "stapes", *command("killed")], stdout=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("Step #10:"):
            os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert 4 <= Checkpoint.load(tmp_path / "killed" / FILE_NAME).step < 20
    assert main(command("killed")) == 0
    assert main(command("whole")) == 0
    killed, whole = (Checkpoint.load(tmp_path / name / FILE_NAME) for name in ("killed", "whole"))
    pairs = zip(killed.model + killed.optimizer, whole.model + whole.optimizer, strict=True)
    assert all(np.array_equal(a, b) for a, b in pairs)
    assert killed.history == whole.history


def test_two_trainings_in_one_folder_the_second_is_refused_by_the_id_of_the_first(tmp_path, capsys):
    folders = ["--data_dir", str(trained_tones().data_dir), "--train_dir", str(tmp_path)]
    command = ["train", *folders, *TRAIN_FLAGS, "--how_many_training_steps", "100000"]
    first = subprocess.Popen(
        [sys.executable, "-m", "stapes", *command, "--verbosity", "debug"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        next(line for line in first.stdout if line.startswith("Step #2:"))
        assert main(command) == 2
        said = f"{tmp_path}: found a training under way here, process {first.pid}, expected none"
        assert said in capsys.readouterr().err
    finally:
        first.kill()
        first.communicate()
    (tmp_path / "checkpoint.npz").unlink(missing_ok=True)
    assert main([*command[:-1], "2"]) == 0, "the lock of the dead process is taken over"
    assert (tmp_path / "checkpoint.npz").exists()
    assert not list(tmp_path.glob(".training.lock"))


def test_a_disk_that_fills_up_is_told_and_the_last_checkpoint_stays(tmp_path, monkeypatch):
    save, calls = np.savez, iter(range(100))

    def save_until_full(path, **arrays):
        if next(calls) >= 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(path, **arrays)

    monkeypatch.setattr(np, "savez", save_until_full)
    with pytest.raises(StapesError, match=r"checkpoint\.npz: cannot be written \(No space left"):
        run(tmp_path, settings(save_step_interval=4))
    assert Checkpoint.load(tmp_path / FILE_NAME).step == 4
    assert not list(tmp_path.glob(".stapes.*"))


def test_the_command_leaves_curves_and_confusion_matrix_as_pictures(tmp_path):
    folder = trained_tones().train_dir
    for name in ("curves.png", "confusion.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("level", "steps"), [("DEBUG", 3), ("info", 1), ("fatal", 0)])
def test_verbosity_says_how_many_steps_are_logged(tmp_path, capsys, level, steps):
    folders = ["--data_dir", str(trained_tones().data_dir), "--train_dir", str(tmp_path)]
    flags = [*TRAIN_FLAGS, "--how_many_training_steps", "3", "--verbosity", level]
    assert main(["train", *folders, *flags]) == 0
    assert capsys.readouterr().out.count("Step #") == steps


def test_a_check_nans_that_is_neither_true_nor_false_is_refused(capsys):
    folders = ["--data_dir", "x", "--train_dir", "y"]
    assert main(["train", *folders, "--check_nans", "perhaps"]) == 2
    assert "--check_nans=perhaps: expected true or false" in capsys.readouterr().err


def test_event_files_on_a_full_disk_do_not_stop_a_training(tmp_path, monkeypatch):
    from stapes.networks.backend import tf

    class FullDisk:
        def __init__(self, path):
            pass

        def write(self, record):
            pass

        def flush(self):
            raise tf.errors.ResourceExhaustedError(None, None, "event; No space left on device")

    monkeypatch.setattr(tf.io, "TFRecordWriter", FullDisk)
    lines = []
    run(tmp_path / "train", settings(), lines.append, summaries_dir=tmp_path / "events")
    (note,) = (line for line in lines if "going on without --summaries_dir" in line)
    assert "events/train: cannot be written (No space left on device)" in note
    assert Checkpoint.load(tmp_path / "train" / FILE_NAME).step == 12
