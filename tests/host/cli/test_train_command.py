# SPDX-License-Identifier: Apache-2.0
"""`stapes train`: flags of the tutorial, clear words for mistakes, nothing left behind."""

from __future__ import annotations

import numpy as np
import pytest
from tones import SAMPLE_RATE, TRAIN_FLAGS, trained_tones, write_tones

from stapes.audio.wav import write_wav
from stapes.cli.flags import from_flags
from stapes.cli.main import build_parser, main
from stapes.corpus.augment_settings import ROOM
from stapes.model.metadata import load_model
from stapes.model.settings import PcenSettings
from stapes.training.checkpoint import FILE_NAME, Checkpoint
from stapes.training.settings import Schedule


def flags(tmp_path, *more: str) -> list[str]:
    folders = ["--data_dir", str(tmp_path / "data"), "--train_dir", str(tmp_path / "train")]
    return ["train", *folders, *TRAIN_FLAGS, *more]


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["train", "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "Example:" in text and "--how_many_training_steps" in text


def test_the_checkpoint_knows_its_command_but_no_path():
    trained = trained_tones()
    checkpoint = Checkpoint.load(trained.train_dir / FILE_NAME)
    assert checkpoint.step == 120
    command = checkpoint.origin["command"]
    assert command.startswith("stapes train --data_dir data --train_dir train")
    assert "--wanted_words up,down" in command and "--learning_rate 0.01" in command
    assert str(trained.data_dir.parent) not in command


def test_dashes_and_lists_are_the_tutorials_flags(tmp_path):
    write_tones(tmp_path / "data")
    steps = ("--how-many-training-steps", "2,1", "--learning-rate=0.01,0.001")
    assert main(flags(tmp_path, *steps)) == 0
    checkpoint = Checkpoint.load(tmp_path / "train" / FILE_NAME)
    assert checkpoint.step == 3
    assert checkpoint.settings.schedule.rates == (0.01, 0.001)


@pytest.mark.parametrize(
    ("given", "rates"),
    [
        ("--how_many_training_steps 10", (0.001,)),
        ("--how_many_training_steps 10,5", (0.001, 0.0001)),
        ("--how_many_training_steps 10,5,5 --learning_rate 0.1", (0.1, 0.1, 0.1)),
        ("--learning_rate 0.1", (0.1, 0.1)),
    ],
)
def test_steps_and_rates_that_are_left_out_follow_those_that_are_given(given, rates):
    folders = "train --data_dir data --train_dir train"
    arguments = build_parser("train").parse_args([*folders.split(), *given.split()])
    assert from_flags(Schedule, arguments).rates == rates


def test_a_word_of_other_letters_goes_all_the_way(tmp_path, capsys):
    folder = write_tones(tmp_path / "data", clips=40)
    (folder / "up").rename(folder / "größe")
    words = ("--wanted_words", "größe,down", "--how_many_training_steps", "2")
    assert main(flags(tmp_path, *words)) == 0
    model, train_dir = str(tmp_path / "model.tflite"), str(tmp_path / "train")
    assert main(["export", "--best", "--train_dir", train_dir, "--output_file", model]) == 0
    clip = next((folder / "größe").iterdir())
    assert main(["label_wav", "--graph", model, "--wav", str(clip), "--how_many_labels", "4"]) == 0
    assert "größe (score = " in capsys.readouterr().out


def test_a_corpus_of_one_clip_is_told_what_it_lacks(tmp_path, capsys):
    write_tones(tmp_path / "data", clips=1)
    assert main(flags(tmp_path)) == 2
    error = capsys.readouterr().err
    assert "found 1 clips, none of them in" in error and error.count("\n") == 1


def test_mfcc_bins_are_coefficients(tmp_path):
    write_tones(tmp_path / "data")
    mfcc = ("--preprocess", "mfcc", "--feature_bin_count", "10", "--how_many_training_steps", "1")
    assert main(flags(tmp_path, *mfcc)) == 0
    front_end = Checkpoint.load(tmp_path / "train" / FILE_NAME).settings.front_end
    assert (front_end.dct_coefficient_count, front_end.channel_count) == (10, 40)


def test_normalised_energies_go_from_training_into_the_model(tmp_path, capsys):
    write_tones(tmp_path / "data")
    pcen = ("--preprocess", "pcen", "--pcen_time_constant_ms", "250", "--pcen_root", "0")
    assert main(flags(tmp_path, *pcen, "--how_many_training_steps", "2")) == 0
    model = tmp_path / "model.tflite"
    train_dir = str(tmp_path / "train")
    assert main(["export", "--train_dir", train_dir, "--output_file", str(model)]) == 0
    front_end = load_model(model)[1].front_end
    assert front_end.pcen == PcenSettings(time_constant_ms=250, root=0)
    assert main(["info", str(model), "--all"]) == 0
    assert "time_constant_ms 250, alpha 0.98, delta 2, root 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ([], "found no such folder"),
        (["--wanted_words", "up,a\u2028b"], "printable text"),
        (["--wanted_words", ","], "expected one or more words"),
        (["--wanted_words", ",".join(map(str, range(63)))], "found 63, expected at most 62"),
        (["--sample_rate", "4000"], "sample_rate=4000"),
        (["--learning_rate", "0.1,0.01"], "lists of equal length; give both flags"),
        (["--feature_bin_count", "0"], "--feature_bin_count=0"),
        (["--channel_count", "30"], "the same as --channel_count"),
        (["--optimizer", "magic"], "--optimizer=magic"),
        (["--model_architecture", "resnet"], "found no such folder"),
        (["--window_size_ms", "nan"], "window_size_ms=nan"),
        (["--window_stride_ms", "inf"], "window_stride_ms=inf"),
        (["--warmup_steps", "-1"], "--warmup_steps=-1"),
        (["--svdf_units", "1000000000"], "--svdf_units=1000000000"),
        (["--bottleneck_units", "1000000000000"], "--bottleneck_units=1000000000000"),
        (["--preprocess", "mfcc", "--channel_count", "0"], "channel_count=0"),
        (["--wanted_words", "\udcff"], "printable text"),
        (["--svdf_units", "8,many"], "--svdf_units=8,many: expected up to 32 values separated"),
        (["--quantize_delay", "120"], "--quantize_delay=120: expected fewer than the 120 steps"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, capsys, more, message):
    assert main(flags(tmp_path, *more)) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "train").exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-7]), "cut short"),
        (lambda path: path.write_bytes(b"not audio"), "expected a RIFF/WAVE file"),
        (lambda path: rewrite(path, SAMPLE_RATE * 2), "found 16000 Hz, expected 8000 Hz"),
    ],
)
def test_a_bad_clip_is_named_before_any_training(tmp_path, capsys, spoil, message):
    write_tones(tmp_path / "data", clips=40)
    spoil(tmp_path / "data" / "up" / "0007_nohash_0.wav")
    assert main(flags(tmp_path)) == 2
    captured = capsys.readouterr()
    assert message in captured.err and "0007_nohash_0.wav" in captured.err
    assert "Step #" not in captured.out
    assert not (tmp_path / "train").exists()


def rewrite(path, rate):
    from stapes.audio.wav import read_wav

    write_wav(path, read_wav(path), sample_rate=rate)


def test_a_train_dir_that_is_a_file_is_refused(tmp_path, capsys):
    (tmp_path / "train").write_text("")
    assert main(flags(tmp_path)) == 2
    assert "found a file, expected a folder" in capsys.readouterr().err


def room_command(tmp_path, *more):
    """What a training with --room remembers of itself."""
    assert main(flags(tmp_path, "--how_many_training_steps", "1", "--room", *more)) == 0
    return Checkpoint.load(tmp_path / "train" / FILE_NAME).origin["command"].split()


def test_room_turns_on_its_parts_but_for_those_that_are_given(tmp_path):
    write_tones(tmp_path / "data")
    command = room_command(tmp_path, "--reverb_ms", "500")
    assert "--room" not in command
    assert command[command.index("--reverb_ms") + 1] == "500.0"
    assert command[command.index("--gain_db") + 1] == f"{ROOM['gain_db']}"
    assert "--noise_snr_db=-5.0,25.0" in command
    assert "--chatter_snr_db" not in command  # no running speech in this corpus


def test_room_mixes_in_running_speech_where_there_is_some(tmp_path):
    write_tones(tmp_path / "data")
    for speaker in "abcdefghijkl":
        (tmp_path / "data" / "_speech_" / speaker).mkdir(parents=True)
        path = tmp_path / "data" / "_speech_" / speaker / "talk.wav"
        write_wav(path, np.ones(40_000, np.int16), sample_rate=SAMPLE_RATE)
    assert "--chatter_snr_db" in room_command(tmp_path)
