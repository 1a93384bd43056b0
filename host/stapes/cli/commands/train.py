"""Train a keyword model on a folder of clips: DATA_DIR/<word>/*.wav, .flac or .ogg, mono.

DATA_DIR/_background_noise_/*.wav is mixed into the clips and makes the label _silence_; all words
that are not wanted make _unknown_, and so does running speech in DATA_DIR/_speech_/<speaker>/*.wav
(--speech_percentage). After Ctrl-C the same command goes on where it was stopped.
Words and underscores of the flags are those of TensorFlow's speech_commands; dashes work as well.
"""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from stapes.cli.commands.shared import add_front_end_arguments, front_end_settings, truth
from stapes.corpus.augment_settings import add_augment_arguments, augment_settings

CURVES = "curves.png"
CONFUSION = "confusion.png"

EXAMPLE = """  stapes train --data_dir speech_commands --wanted_words yes,no \\
      --train_dir build/yes_no --preprocess logmel --upper_edge_hertz 7600 \\
      --silence_percentage 25 --unknown_percentage 50 --how_many_training_steps 2000 \\
      --learning_rate 0.01 --learning_rate_decay cosine --time_mask_frames 4 \\
      --frequency_mask_channels 4"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    group = parser.add_argument_group
    add("--data_dir", required=True, help="folder of clips, <word>/*.wav")
    add("--train_dir", required=True, help="folder for the checkpoint; made if missing")
    add("--start_checkpoint", default="", help="checkpoint file to go on from")
    add("--teacher", default="", help="checkpoint of a larger model to learn from")
    add(
        "--wanted_words",
        default="yes,no,up,down,left,right,on,off,stop,go",
        help="comma-separated (%(default)s)",
    )
    add(
        "--seed",
        type=int,
        default=59185,
        help="equal seeds give equal weights on a CPU (%(default)s)",
    )

    clips = group("clips").add_argument
    clips(
        "--silence_percentage", type=float, default=10.0, help="of the wanted clips (%(default)s)"
    )
    clips(
        "--unknown_percentage", type=float, default=10.0, help="of the wanted clips (%(default)s)"
    )
    clips(
        "--speech_percentage",
        type=float,
        default=0.0,
        help="pieces of running speech from DATA_DIR/_speech_, of the wanted clips (%(default)s)",
    )
    clips("--hard_dir", default="", help="folder of hard examples, from stapes data mine")
    clips(
        "--hard_percentage",
        type=float,
        default=20.0,
        help="of them, of the wanted clips (%(default)s)",
    )
    clips(
        "--balance",
        type=float,
        default=0.0,
        help="how far rare wanted words are trained as often as the others, 0 to 1 (%(default)s)",
    )
    clips("--validation_percentage", type=float, default=10.0, help="of all clips (%(default)s)")
    clips("--resample", action="store_true", help="convert clips of other rates, or stereo")
    clips("--testing_percentage", type=float, default=10.0, help="of all clips (%(default)s)")
    add_augment_arguments(group("variations of the training clips (docs/augmentation.md)"))

    add_front_end_arguments(group("front end"))

    model = group("model").add_argument
    model(
        "--model_architecture",
        default="svdf",
        help="svdf, residual_svdf, single_fc, conv, low_latency_conv, low_latency_svdf, tiny_conv, "
        "tiny_embedding_conv, ds_cnn, or your own as module:function (%(default)s)",
    )
    model(
        "--svdf_units",
        type=_numbers(int),
        default=(),
        metavar="N,...",
        help="units of each layer (svdf 64,64,64,64; residual_svdf 96,96,96,96,96; "
        "low_latency_svdf 1280)",
    )
    model(
        "--svdf_memory",
        type=_numbers(int),
        default=(),
        metavar="N,...",
        help="frames each layer remembers, a number for each (a clip, shared among the layers)",
    )
    model("--svdf_rank", type=int, default=0, help="filters per unit (1; low_latency_svdf 2)")
    model(
        "--bottleneck_units",
        type=int,
        default=0,
        help="dense units between svdf layers (svdf none; residual_svdf half of its units)",
    )
    model(
        "--dropout",
        type=float,
        default=-1.0,
        help="share of units dropped in training (svdf, residual_svdf 0.1; ds_cnn 0.4; "
        "the tutorial's 0.5)",
    )

    loop = group("training").add_argument
    loop(
        "--how_many_training_steps",
        type=_numbers(int),
        default="15000,3000",
        help="steps of each stage (%(default)s)",
    )
    loop(
        "--learning_rate",
        type=_numbers(float),
        default="0.001,0.0001",
        help="rate of each stage (%(default)s)",
    )
    loop(
        "--learning_rate_decay",
        default="none",
        help="none, or cosine over the last stage (%(default)s)",
    )
    loop("--warmup_steps", type=int, default=0, help="steps of rising learning rate (%(default)s)")
    loop("--optimizer", default="adamw", help="gradient_descent, momentum or adamw (%(default)s)")
    loop("--weight_decay", type=float, default=0.004, help="of adamw (%(default)s)")
    loop("--teacher_weight", type=float, default=0.7, help="of the teacher's scores (%(default)s)")
    loop(
        "--teacher_temperature",
        type=float,
        default=2.0,
        help="that softens the teacher's scores (%(default)s)",
    )
    loop("--label_smoothing", type=float, default=0.0, help="0 to 1 (%(default)s)")
    loop(
        "--quantize",
        type=truth,
        nargs="?",
        const=True,
        default=False,
        help="simulate int8 in the last steps, so that the exported model loses less",
    )
    loop(
        "--quantize_delay",
        type=int,
        default=-1,
        help="steps before that (three quarters of all)",
    )
    loop(
        "--end_frames",
        type=int,
        default=1,
        help="successive last frames that a streaming network must answer at (%(default)s)",
    )
    loop("--batch_size", type=int, default=100, help="clips per step (%(default)s)")
    loop(
        "--eval_step_interval",
        type=int,
        default=400,
        help="steps between validations (%(default)s)",
    )
    loop(
        "--save_step_interval",
        type=int,
        default=100,
        help="steps between checkpoints (%(default)s)",
    )
    loop(
        "--early_stopping_evaluations",
        type=int,
        default=0,
        help="stop after so many validations without a better one; 0 never stops (%(default)s)",
    )

    watch = group("watching").add_argument
    watch("--summaries_dir", default="", help="folder for TensorBoard's event files (none)")
    watch(
        "--check_nans",
        type=truth,
        nargs="?",
        const=True,
        default=False,
        help="name the first tensor that is no number; steps take longer",
    )
    watch(
        "--verbosity",
        type=str.lower,
        choices=("debug", "info", "warn", "error", "fatal"),
        default="info",
        help="debug logs every step, info every 50th, the rest none (%(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    # TensorFlow takes seconds to load: only once the settings are known to be sound.
    from stapes.training.cluster import Cluster

    settings = _settings(arguments)
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
    print(f"{result.steps_per_second:.1f} steps per second; wrote {result.checkpoint}")
    print(f"Pictures: {folder / CURVES}, {folder / CONFUSION}")
    print(f"Next: stapes export --train_dir {Path(arguments.train_dir)} --output_file model.tflite")
    return 0


def _settings(arguments: argparse.Namespace) -> Any:
    from stapes.corpus.index import CorpusSettings
    from stapes.networks.options import ModelOptions
    from stapes.training.settings import Schedule, TrainingSettings

    def take(cls: type, *names: str, **more: Any) -> Any:
        return cls(**{name: getattr(arguments, name) for name in names}, **more)

    words = tuple(word.strip() for word in arguments.wanted_words.split(",") if word.strip())
    return take(
        TrainingSettings,
        *("clip_duration_ms", "optimizer", "label_smoothing", "weight_decay", "batch_size"),
        *("eval_step_interval", "save_step_interval", "early_stopping_evaluations", "seed"),
        *("quantize", "quantize_delay", "end_frames"),
        *("teacher_weight", "teacher_temperature"),
        corpus=take(
            CorpusSettings,
            *("silence_percentage", "unknown_percentage", "speech_percentage", "balance"),
            "hard_percentage",
            *("validation_percentage", "testing_percentage", "resample"),
            wanted_words=words,
        ),
        front_end=front_end_settings(arguments),
        augmentation=augment_settings(arguments),
        architecture=arguments.model_architecture,
        model=take(
            ModelOptions, "svdf_units", "svdf_memory", "svdf_rank", "bottleneck_units", "dropout"
        ),
        schedule=Schedule(
            steps=arguments.how_many_training_steps,
            rates=arguments.learning_rate,
            decay=arguments.learning_rate_decay,
            warmup_steps=arguments.warmup_steps,
        ),
    )


def _command(arguments: argparse.Namespace) -> str:
    """The flags that differ from their defaults, as a command line; folders by their last name."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    defaults = vars(parser.parse_args(["--data_dir", "", "--train_dir", ""]))
    words = ["stapes", "train"]
    for name, default in defaults.items():
        value = getattr(arguments, name)
        if value == default or name in ("summaries_dir", "check_nans", "verbosity"):
            continue
        if name in ("data_dir", "train_dir", "start_checkpoint", "hard_dir"):
            value = Path(value).name
        if name == "teacher":  # checkpoints all have the same name; their folders tell them apart
            value = Path(*Path(value).parts[-2:])
        if value is True:
            words.append(f"--{name}")
            continue
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]
    return shlex.join(words)


def _numbers(kind: type) -> Any:
    """An argparse type: comma-separated numbers."""

    def parse(text: str) -> tuple[Any, ...]:
        try:
            return tuple(kind(part) for part in text.split(","))
        except ValueError:
            raise argparse.ArgumentTypeError(
                f"found {text!r}, expected numbers separated by commas"
            ) from None

    return parse
