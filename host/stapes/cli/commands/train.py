# SPDX-License-Identifier: Apache-2.0
"""Train a keyword model on a folder of clips: DATA_DIR/<word>/*.wav, .flac, .ogg, .opus or
.mp3, mono.

DATA_DIR/_background_noise_/*.wav is mixed into the clips and is the label _silence_. All words that
are not wanted are the label _unknown_. With --speech_percentage, so is running speech from
DATA_DIR/_speech_/<speaker>/*.wav. After Ctrl-C, the same command continues where it stopped. The
flags have the names of TensorFlow's speech_commands. Dashes work as well as underscores.
"""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.next_step import next_step
from stapes.cli.shared_flags import add_front_end_arguments, front_end_settings
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.training.settings import TrainingSettings

_NOT_KEPT = ("summaries_dir", "check_nans", "verbosity", "room")
CURVES = "curves.png"
CONFUSION = "confusion.png"

EXAMPLE = """  stapes train --data_dir speech_commands --wanted_words yes,no \\
      --train_dir build/yes_no --preprocess logmel --upper_edge_hertz 7600 \\
      --silence_percentage 25 --unknown_percentage 50 --how_many_training_steps 2000 \\
      --learning_rate 0.01 --learning_rate_decay cosine --time_mask_frames 4 \\
      --frequency_mask_channels 4"""


@dataclass(frozen=True, kw_only=True)
class WatchFlags:
    """What a training shows of itself."""

    summaries_dir: str = setting("", shown="none", help="folder for TensorBoard's event files")
    check_nans: bool = setting(
        False, valued=True, help="name the first tensor that is not a number; steps take longer"
    )
    verbosity: str = setting(
        "info",
        choices=("debug", "info", "warn", "error", "fatal"),
        help="debug logs every step, info every 50th step, the others none",
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.augment_settings import AugmentSettings
    from stapes.corpus.index import TUTORIAL_WORDS, CorpusSettings
    from stapes.networks.options import ModelOptions
    from stapes.training.settings import Schedule, TrainingSettings

    add, group = parser.add_argument, parser.add_argument_group
    add("--data_dir", required=True, help="folder of clips, <word>/*.wav")
    add("--train_dir", required=True, help="folder for the checkpoint; made if missing")
    add("--start_checkpoint", default="", help="checkpoint file to begin with")
    add(
        "--trunk",
        default="",
        help="checkpoint whose first layers the network begins with; it may know other words",
    )
    add("--hard_dir", default="", help="folder of hard examples, from stapes data mine")
    add("--teacher", default="", help="checkpoint of a larger model to learn from")
    words = {"wanted_words": TUTORIAL_WORDS}
    add_flags(parser, CorpusSettings, only=words, defaults=words)
    add_flags(parser, TrainingSettings, only=["seed"])
    add_flags(group("clips"), CorpusSettings, omit=words)
    variations = group("variations of the training clips (docs/augmentation.md)")
    variations.add_argument("--room", action="store_true", help=_about_room())
    add_flags(variations, AugmentSettings)
    front_end = group("front end")
    add_flags(front_end, TrainingSettings, only=["clip_duration_ms"])
    add_front_end_arguments(front_end)
    model = group("model")
    add_flags(model, TrainingSettings, only=["architecture"])
    add_flags(model, ModelOptions)
    training = group("training")
    add_flags(training, Schedule)
    add_flags(training, TrainingSettings, omit=("seed", "architecture", "clip_duration_ms"))
    add_flags(group("watching"), WatchFlags)


def run(arguments: argparse.Namespace) -> int:
    from stapes.stream.plot import check_plotting

    check_plotting()  # before hours of training
    # TensorFlow takes seconds to load: only once the settings are known to be sound.
    from stapes.training.cluster import Cluster

    settings = training_settings(arguments)
    cluster = Cluster.of_environment()
    cluster.rows(settings.batch_size)
    talkative = arguments.verbosity in ("debug", "info")
    if talkative and cluster.is_chief:
        print("Loading TensorFlow", flush=True)
    from stapes.training.loop import RunOptions, train
    from stapes.training.pictures import write_confusion, write_curves

    result = train(
        settings,
        data_dir=arguments.data_dir,
        train_dir=arguments.train_dir,
        start_checkpoint=arguments.start_checkpoint,
        trunk=arguments.trunk,
        teacher=arguments.teacher,
        hard_dir=arguments.hard_dir,
        command=_command(arguments),
        options=RunOptions(
            summaries_dir=arguments.summaries_dir,
            check_nans=arguments.check_nans,
            log_step_interval=1 if arguments.verbosity == "debug" else 50,
            progress=True,
        ),
        log=(lambda line: print(line, flush=True)) if talkative else (lambda line: None),
    )
    if not result.chief:
        return 0
    folder = Path(arguments.train_dir)
    write_curves(result.history, folder / CURVES)
    write_confusion(result.test, settings.labels, folder / CONFUSION)
    say(f"{result.steps_per_second:.1f} steps per second; wrote {result.checkpoint}")
    say(f"Pictures: {folder / CURVES}, {folder / CONFUSION}")
    next_step("export", "--train_dir", folder, "--output_file", "model.tflite")
    return 0


def training_settings(arguments: argparse.Namespace) -> TrainingSettings:
    """What the flags say of the training."""
    from stapes.training.settings import TrainingSettings

    if arguments.room:
        _set_up_room(arguments)
    return from_flags(TrainingSettings, arguments, front_end=front_end_settings(arguments))


def _about_room() -> str:
    from stapes.corpus.augment_settings import ROOM
    from stapes.options import as_text

    parts = ", ".join(f"{name} {as_text(value)}" for name, value in ROOM.items())
    return (
        f"train for a device in a room: {parts} (chatter only where there is DATA_DIR/_speech_); "
        "if you give one of these flags, its value counts"
    )


def _set_up_room(arguments: argparse.Namespace) -> None:
    """Turns on what no flag has set."""
    from stapes.corpus.augment_settings import ROOM, AugmentSettings
    from stapes.corpus.running_speech import SPEECH_FOLDER

    untouched = AugmentSettings()
    for name, value in ROOM.items():
        if name == "chatter_snr_db" and not (Path(arguments.data_dir) / SPEECH_FOLDER).is_dir():
            continue
        if getattr(arguments, name) == getattr(untouched, name):
            setattr(arguments, name, value)


def _command(arguments: argparse.Namespace) -> str:
    """The flags that differ from their defaults, as a command line. The parts of --room are written
    one by one; of folders, only the last name is written."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    defaults = vars(parser.parse_args(["--data_dir", "", "--train_dir", ""]))
    words = ["stapes", "train"]
    for name, default in defaults.items():
        value = getattr(arguments, name)
        if value == default or name in _NOT_KEPT:
            continue
        if name in ("data_dir", "train_dir", "start_checkpoint", "trunk", "hard_dir"):
            value = Path(value).name
        if name == "teacher":  # checkpoints all have the same name; their folders tell them apart
            value = Path(*Path(value).parts[-2:])
        if value is True:
            words.append(f"--{name}")
            continue
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]
    return shlex.join(words)
