# SPDX-License-Identifier: Apache-2.0
"""The tutorial's pages: every command runs, every flag is where the map says."""

from __future__ import annotations

import argparse
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli.main import arguments_of, build_parser, main
from stapes.cli.tutorial_flags import GONE
from stapes.corpus.partition import which_set

DOCS = Path(__file__).parents[3] / "docs"
# The tutorial's ten words, two of its last steps, and others for _unknown_.
WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "cat", "dog"]
RATE = 16000


def tutorial_commands() -> list[list[str]]:
    """The indented blocks of docs/tutorial.md as lists of words, in order."""
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.startswith("    stapes ")]
    return [shlex.split(line)[1:] for line in lines]


def write_corpus(folder: Path) -> None:
    """Ten clips of each word, one for validation and one for testing: two tones a word."""
    generator = np.random.default_rng(1)
    names = [f"{number:08x}_nohash_0.wav" for number in range(200)]
    chosen = ["a5d485dc_nohash_0.wav"]
    for partition, count in (("training", 8), ("validation", 1), ("testing", 1)):
        chosen += [name for name in names if which_set(name, 10, 10) == partition][:count]
    for place, word in enumerate(WORDS):
        (folder / word).mkdir(parents=True)
        for name in chosen:
            time = np.arange(RATE) / RATE
            sound = np.sin(6.28 * (300 + 150 * place) * time) * (time % 0.5 < 0.3)
            clip = 5000 * sound + generator.normal(0, 100, RATE)
            write_wav(folder / word / name, clip.astype(np.int16), sample_rate=RATE)
    (folder / "_background_noise_").mkdir()
    noise = generator.normal(0, 500, 2 * RATE).astype(np.int16)
    write_wav(folder / "_background_noise_" / "hiss.wav", noise, sample_rate=RATE)


def shortened(command: list[str]) -> list[str]:
    """The same command for a small corpus and little time; the last of equal flags counts."""
    if command[0] == "train":
        rates = (
            command[command.index("--learning_rate") + 1] if "--learning_rate" in command else ","
        )
        steps = ",".join("1" for _ in rates.split(","))
        return [*command, "--how_many_training_steps", steps, "--batch_size", "4"]
    if command[:2] == ["stream", "make"]:
        return [*command, "--test_duration_seconds", "12"]
    if command[:2] == ["data", "speak"]:
        return [*command, "--clips", "3", "--processes", "1"]
    return command


def test_every_command_of_the_tutorial_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_corpus(Path("speech_commands"))
    commands = tutorial_commands()
    assert len(commands) > 15
    for command in commands:
        if command[:2] == ["data", "get"]:  # needs the network; another test runs it
            build_parser("data get").parse_args(command)
            continue
        if command[:2] == ["data", "speak"] and not shutil.which("espeak-ng"):
            continue
        assert main(shortened(command)) == 0, (command, capsys.readouterr().err)
    assert list(Path("retrain_logs/validation").glob("events.out.*"))
    assert Path("left_features.c").exists() and Path("conv_actions/stapes_model.h").exists()


def flags_of(command: str) -> dict[str, argparse.Action]:
    """The command's own flags by name."""
    return {name: action for action in arguments_of(command) for name in action.option_strings}


def map_rows() -> Iterator[tuple[str, str, str, str]]:
    """(command, flag, default there, what is said of it here) of docs/tutorial_map.md."""
    command = ""
    for line in (DOCS / "tutorial_map.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## .*: `stapes (.*)`$", line):
            command = heading[1]
        row = re.match(r"\| `(--\w+)` \| (.*?) ?\| (.*) \|$", line)
        if row and command:
            yield command, *row.groups()


def as_text(default: object) -> str:
    if default in (None, ""):
        return ""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).removeprefix("(").removesuffix(")")


def same(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


@pytest.mark.parametrize(("command", "flag", "default", "said"), list(map_rows()))
def test_a_flag_of_the_tutorial_is_where_the_map_says(command, flag, default, said):
    action = flags_of(command).get(flag)
    kind = re.match(r"same(?=$|;)|no default(?=: .)|none(?=: .)|default (\S+)(?=: .)", said)
    assert kind, f"{said!r} is no such statement"
    if kind[0] == "none":
        assert action is None
        return
    assert action is not None
    found = as_text(action.default)
    if kind[0] == "same":
        assert same(found, default)
    elif kind[0] == "no default":
        assert found == ""
    else:
        assert same(found, kind[1].replace("none", ""))
        assert not same(found, default)


def test_the_command_line_gives_the_maps_reasons_for_flags_that_are_gone():
    reasons, last = {}, ""
    for command, flag, _, said in map_rows():
        if said.startswith("none: "):
            reason = said.removeprefix("none: ").replace("`", "")
            last = last if reason == "as above" else reason
            reasons.setdefault(command, {})[flag.removeprefix("--")] = last
    assert reasons == GONE


# As the sources of TensorFlow's speech_commands define them.
TUTORIAL_FLAGS = {
    "train": """data_url data_dir background_volume background_frequency silence_percentage
        unknown_percentage time_shift_ms testing_percentage validation_percentage sample_rate
        clip_duration_ms window_size_ms window_stride_ms feature_bin_count dct_coefficient_count
        how_many_training_steps eval_step_interval learning_rate batch_size summaries_dir
        wanted_words train_dir save_step_interval start_checkpoint model_architecture check_nans
        quantize preprocess verbosity optimizer""",
    "export": """sample_rate clip_duration_ms clip_stride_ms window_size_ms window_stride_ms
        feature_bin_count start_checkpoint model_architecture wanted_words output_file quantize
        preprocess save_format""",
    "label_wav": "wav graph labels input_name output_name how_many_labels",
    "label_wav_dir": "wav_dir graph labels input_name output_name how_many_labels",
    "wav_to_features": """sample_rate clip_duration_ms window_size_ms window_stride_ms
        feature_bin_count quantize preprocess input_wav output_c_file""",
    "spectrogram": "input_wav window_size stride brightness output_image",
    "stream make": """data_url data_dir background_dir background_volume background_frequency
        silence_percentage testing_percentage validation_percentage sample_rate clip_duration_ms
        window_size_ms window_stride_ms feature_bin_count wanted_words output_audio_file
        output_labels_file test_duration_seconds word_gap_ms unknown_percentage""",
    "stream score": """wav graph labels ground_truth input_data_name input_rate_name output_name
        clip_duration_ms average_window_ms time_tolerance_ms suppression_ms sample_stride_ms
        detection_threshold verbose""",
}


def test_the_map_knows_every_flag_of_the_tutorial_once():
    found = {}
    for command, flag, *_ in map_rows():
        found.setdefault(command, []).append(flag.removeprefix("--"))
    expected = {command: sorted(names.split()) for command, names in TUTORIAL_FLAGS.items()}
    assert {command: sorted(names) for command, names in found.items()} == expected


@pytest.mark.parametrize("command", sorted(TUTORIAL_FLAGS))
def test_a_flag_of_the_tutorial_is_taken_or_its_end_explained(command, capsys):
    taken = flags_of(command)
    for name in TUTORIAL_FLAGS[command].split():
        if f"--{name}" in taken:
            continue
        required = [action for action in taken.values() if action.required]
        words = [f"{action.option_strings[0]}=x" for action in dict.fromkeys(required)]
        assert main([*command.split(), *words, f"--{name}=1"]) == 2
        error = capsys.readouterr().err
        assert f"--{name} of the tutorial is not here: {GONE[command][name]}" in error
