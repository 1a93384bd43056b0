"""Write a streaming test WAV, and its ground truth as lines "label, time_ms".

After generate_streaming_test_wav.py of TensorFlow's speech_commands, with its flags and defaults:
words of the testing partition, at random places, over background noise. The times are the starts
of the clips. Beside the ground truth it writes, as JSON lines, the same words with their clip and
the end of their speech (`end_ms`), from which `stapes stream score` tells how long after a word it
was detected. Equal seeds and corpora give equal files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stapes.audio.reader import audio_files, read_audio
from stapes.corpus.index import CorpusIndex, CorpusSettings, scan_corpus
from stapes.corpus.partition import PARTITIONS
from stapes.errors import StapesError
from stapes.files import check_output
from stapes.model.settings import SILENCE_LABEL, UNKNOWN_LABEL
from stapes.progress import ProgressBar
from stapes.stream.make import StreamSettings, plan_words, write_stream

EXAMPLE = """  stapes stream make --data_dir corpus --model model.tflite \\
      --test_duration_seconds 600 --output_audio_file stream.wav --output_labels_file labels.txt"""
FEW_RECORDINGS = 30
TUTORIAL_WORDS = "yes,no,up,down,left,right,on,off,stop,go"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = StreamSettings()
    add = parser.add_argument
    add("--data_dir", type=Path, required=True, help="the corpus: <word>/*.wav")
    add("--partition", choices=PARTITIONS, default="testing",
        help="whose clips to take; tune on one, verify on another (%(default)s)")  # fmt: skip
    add("--background_dir", type=Path, help="background WAVs (DATA_DIR/_background_noise_)")
    add("--snr_db", type=_snr, metavar="DB[,DB]",
        help="scale each word to a signal-to-noise ratio, drawn between two when two are given "
        "(default: words keep their recorded level)")  # fmt: skip
    add("--background_volume", type=float, default=defaults.background_volume, metavar="V",
        help="loudest background, 0 to 1 (%(default)g)")  # fmt: skip
    add("--background_frequency", type=float, default=defaults.background_frequency, metavar="F",
        help="share of the stream with background, 0 to 1 (%(default)g)")  # fmt: skip
    add("--model", type=Path, help="take words, rate and clip duration from this .tflite file")
    add("--wanted_words", help=f"words, separated by commas ({TUTORIAL_WORDS})")
    add("--sample_rate", type=int, help=f"in Hz ({defaults.sample_rate})")
    add("--clip_duration_ms", type=int, help=f"length of a clip ({defaults.clip_duration_ms})")
    add("--testing_percentage", type=float, default=10, metavar="P",
        help="of the speakers, as in training (%(default)g)")  # fmt: skip
    add("--validation_percentage", type=float, default=10, metavar="P",
        help="of the speakers, as in training (%(default)g)")  # fmt: skip
    add("--test_duration_seconds", type=float, default=defaults.test_duration_seconds, metavar="S",
        help="length of the audio (%(default)g)")  # fmt: skip
    add("--word_gap_ms", type=int, default=defaults.word_gap_ms,
        help="average pause between words (%(default)s)")  # fmt: skip
    add("--unknown_percentage", type=float, default=defaults.unknown_percentage, metavar="P",
        help="of the words that are not wanted ones (%(default)g)")  # fmt: skip
    add("--output_audio_file", type=Path, default=Path("streaming_test.wav"),
        help="the WAV file (%(default)s)")  # fmt: skip
    add("--output_labels_file", type=Path, default=Path("streaming_test_labels.txt"),
        help="the ground truth (%(default)s)")  # fmt: skip
    add("--resample", action="store_true", help="convert clips of other rates, or stereo")
    add(
        "--output_details_file",
        type=Path,
        help="JSON lines: clip, start and end of each word (the labels' name with .jsonl)",
    )
    add("--seed", type=int, default=defaults.seed, help="of all random choices (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    words = TUTORIAL_WORDS if arguments.wanted_words is None else arguments.wanted_words
    words = [word.strip() for word in words.split(",")]
    rate = arguments.sample_rate
    duration = arguments.clip_duration_ms
    if arguments.model:
        if (arguments.wanted_words, rate, duration) != (None, None, None):
            raise StapesError(
                "--model: carries words, rate and clip duration; "
                "leave out --wanted_words, --sample_rate and --clip_duration_ms"
            )
        from stapes.model.metadata import read_settings

        model = read_settings(arguments.model)
        words = [word for word in model.labels if word not in (SILENCE_LABEL, UNKNOWN_LABEL)]
        rate, duration = model.front_end.sample_rate, model.clip_duration_ms
    settings = StreamSettings(
        sample_rate=StreamSettings.sample_rate if rate is None else rate,
        clip_duration_ms=StreamSettings.clip_duration_ms if duration is None else duration,
        test_duration_seconds=arguments.test_duration_seconds,
        word_gap_ms=arguments.word_gap_ms,
        unknown_percentage=arguments.unknown_percentage,
        background_volume=arguments.background_volume,
        background_frequency=arguments.background_frequency,
        snr_db=arguments.snr_db,
        seed=arguments.seed,
        resample=arguments.resample,
    )
    audio, labels, details = _output_files(arguments)
    index = scan_corpus(
        arguments.data_dir,
        CorpusSettings(
            wanted_words=tuple(words),
            validation_percentage=arguments.validation_percentage,
            testing_percentage=arguments.testing_percentage,
        ),
    )
    unknown = sorted(index.unknown[arguments.partition])
    plan = plan_words(wanted_clips(index, arguments.partition), unknown, settings=settings)
    paths = _background_paths(arguments, index)
    backgrounds = [
        read_audio(path, sample_rate=settings.sample_rate, resample=settings.resample)
        for path in paths
    ]
    inputs = [*paths, *(word.path for word in plan), arguments.model or arguments.data_dir]
    for path in (audio, labels, details):
        check_output(path, inputs=inputs)
    with ProgressBar("mixing, samples", settings.total_samples) as bar:
        write_stream(
            *(audio, labels, plan, backgrounds),
            settings=settings,
            details_path=details,
            progress=bar.update,
        )
    print(f"{audio}: {settings.test_duration_seconds:g} s at {settings.sample_rate} Hz")
    print(f"{labels}: {len(plan)} words, {sum(w.label == UNKNOWN_LABEL for w in plan)} unknown")
    print(f"{details}: where each of them ends")
    wanted = [word.path for word in plan if word.label != UNKNOWN_LABEL]
    print(f"{len(wanted)} wanted words from {len(set(wanted))} recordings")
    if 0 < len(set(wanted)) < FEW_RECORDINGS:
        print(
            f"stream make: found {len(set(wanted))} recordings of wanted words, expected "
            f"{FEW_RECORDINGS} or more; a few recordings, drawn many times, tell little about "
            "other speakers: add clips, or raise the percentage of their partition",
            file=sys.stderr,
        )
    return 0


def wanted_clips(index: CorpusIndex, partition: str) -> dict[str, list[Path]]:
    """The clips of each wanted word in a partition."""
    clips: dict[str, list[Path]] = {word: [] for word in index.settings.wanted_words}
    for path, label in index.wanted[partition]:
        clips[index.settings.labels[label]].append(path)
    return clips


def _snr(text: str) -> tuple[float, float]:
    """ "10" or "5,20"."""
    parts = [float(part) for part in text.split(",")]
    if len(parts) not in (1, 2):
        raise ValueError(text)
    return parts[0], parts[-1]


def _output_files(arguments: argparse.Namespace) -> list[Path]:
    """Audio, labels and details: three different files that can be written."""
    labels = arguments.output_labels_file
    check_output(labels)
    details = arguments.output_details_file or labels.with_suffix(".jsonl")
    paths = [arguments.output_audio_file, labels, details]
    finals = [check_output(path) for path in paths]
    for place, path in enumerate(paths):
        if finals[place] in finals[:place]:
            raise StapesError(
                f"{path}: found the same file for two outputs, expected one each; change "
                "--output_audio_file, --output_labels_file or --output_details_file"
            )
    return paths


def _background_paths(arguments: argparse.Namespace, index: CorpusIndex) -> list[Path]:
    if arguments.background_dir is None:
        return index.background
    paths = audio_files(arguments.background_dir, "*")
    if not paths:
        raise StapesError(
            f"{arguments.background_dir}: found no *.wav, expected background recordings; "
            "check --background_dir"
        )
    return paths
