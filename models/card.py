#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure a shipped model and write its card: card.json, card.md and two pictures.

    models/card.py words --data_dir speech_commands --stream build/words/verify \\
        --room build/room --kind talk,build/room/test_speech.wav

Nothing in a card is written by hand: what the model is, and whose data it knows, comes out of the
model, accuracies out of
the testing partition through the firmware's own code, streaming figures out of STREAM.wav and
STREAM.txt (`stapes stream make`), figures of each kind of audio out of its recordings
(`models/room.py`), instructions out of emulated boards.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from card_text import to_markdown, to_overview

from stapes.audio.reader import audio_files, read_audio
from stapes.audio.wav import map_wav
from stapes.corpus.clips import LabelledClips, evaluation_clips, load_background, load_clips
from stapes.corpus.index import BACKGROUND_NOISE_FOLDER, CorpusSettings, scan_corpus
from stapes.corpus.partition import which_set
from stapes.device.clip_scores import clip_scores
from stapes.errors import StapesError
from stapes.evaluation.conditions import conditions
from stapes.evaluation.confusion import Confusion
from stapes.evaluation.describe import describe
from stapes.files import visible_files, write_text
from stapes.firmware.emulator import INSTRUCTION_NS
from stapes.firmware.measure import count_instructions, fit_on_board
from stapes.model.metadata import load_model
from stapes.model.settings import UNKNOWN_LABEL, ModelSettings
from stapes.model.training_data import training_data
from stapes.replay import open_player
from stapes.stream.accuracy import ScoreSettings
from stapes.stream.curve import CurvePoint, Material, detection_curve, score_material
from stapes.stream.labels import read_truth
from stapes.stream.plot import draw_curves
from stapes.stream.score_track import compute_scores, load_track
from stapes.training.pictures import write_confusion

MODELS = Path(__file__).resolve().parent
ROOT = MODELS.parent
# Emulated boards, and where it is not their own the core that the code is compiled for.
CORES = {
    "Cortex-M0": ("mps2_an385", "cortex-m0"),
    "Cortex-M3": ("mps2_an385", ""),
    "Cortex-M4": ("mps2_an386", ""),
    "Cortex-M7": ("mps2_an500", ""),
    "Cortex-M55": ("mps3_an547", ""),
}
LOAD_SECONDS = 10  # of audio, for counting instructions of the whole firmware
PIPELINE_BOARD = "mps2_an386"
# Spoken clips of the fixed subset that tests evaluate again.
SUBSET = 400

ABOUT_CLIPS = "All are clips of the testing partition, by speakers who are not in the training."
ABOUT_KINDS = (
    "These are the sounds and speakers of the test part of models/room.py. Training and tuning did "
    "not use them. The recipe was chosen after a look at these figures, so they flatter a little."
)
SNR_DB, LEVEL_DB = (20, 10, 5, 0), (-20, -30, -40)
SUBSET_SECONDS, SUBSET_SNR_DB = 240, 10


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="folder below models/")
    parser.add_argument(
        "--data_dir",
        type=Path,
        default=os.environ.get("STAPES_CORPUS"),
        help="folder of clips, <word>/*.wav (STAPES_CORPUS)",
    )
    parser.add_argument(
        "--stream",
        type=Path,
        nargs="+",
        required=True,
        help="streaming tests without their suffixes; each is a STREAM.wav and a STREAM.txt",
    )
    parser.add_argument("--about_stream", default="", help="one sentence on what is in it")
    parser.add_argument(
        "--cost_only",
        action="store_true",
        help="measure the cost anew, after a change of the firmware; all else stays",
    )
    parser.add_argument(
        "--room", type=Path, help="what models/room.py laid out: noise to test clips under"
    )
    parser.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="NAME,WAV[,TXT]",
        help="another kind of audio, with its words if there are some; several times",
    )
    parser.add_argument("--about_kinds", default=ABOUT_KINDS, help="the same on those kinds")
    parser.add_argument(
        "--subset_dir",
        type=Path,
        help="Speech Commands itself, of which tests evaluate a subset (DATA_DIR)",
    )
    parser.add_argument("--about_clips", default=ABOUT_CLIPS, help="the same on single clips")
    arguments = parser.parse_args()
    if not arguments.data_dir:
        parser.error("set STAPES_CORPUS or --data_dir to a folder of clips")
    if not (arguments.cost_only or arguments.about_stream):
        parser.error("give --about_stream, or --cost_only")
    try:
        write_card(arguments)
    except StapesError as error:
        print(f"card.py: {error}", file=sys.stderr)
        return 1
    return 0


def write_card(arguments: argparse.Namespace) -> None:
    folder = MODELS / arguments.name
    card = again(folder, arguments) if arguments.cost_only else measure(folder, arguments)
    write_down(folder, card)
    pictures = "" if arguments.cost_only else ", confusion.png, det.png"
    print(f"wrote {folder / 'card.json'}, card.md{pictures}; README.md beside it")


def write_down(folder: Path, card: dict[str, Any]) -> None:
    """The card in both forms, and the overview of all."""
    write_text(folder / "card.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "card.md", to_markdown(card))
    write_text(MODELS / "README.md", to_overview(read_cards()))


def read_cards() -> list[dict[str, Any]]:
    """All cards that there are, smallest model first."""
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in MODELS.glob("*/card.json")]
    return sorted(cards, key=lambda card: card["model_bytes"])


def again(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    """The card as it is, with what its model costs today."""
    path = folder / "model.tflite"
    content, settings = load_model(path)
    stream = arguments.stream[0].with_suffix(".wav")
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return card | cost(content, describe(path), settings, stream)


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    path = folder / "model.tflite"
    content, settings = load_model(path)
    about = describe(path)
    confusion = evaluate(content, settings, arguments.data_dir)
    write_confusion(confusion, settings.labels, folder / "confusion.png")
    words = int(confusion.matrix[2:].sum())
    return {
        "name": arguments.name,
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(content).hexdigest(),
        "model_bytes": len(content),
        "labels": list(settings.labels),
        "data": " ".join(training_data(settings.provenance).splitlines()),
        "about_clips": arguments.about_clips,
        "command": settings.provenance["command"],
        "recipe": f"models/{arguments.name}/recipe.sh",
        "seed": settings.provenance["seed"],
        "front_end": front_end_figures(settings),
        "decoder": dataclasses.asdict(settings.decoder),
        "clips": {
            "testing": confusion.total,
            "words": words,
            "float_accuracy": settings.provenance["float_accuracy"],
            "int8_accuracy": settings.provenance["int8_accuracy"],
            "test_clips": settings.provenance["test_clips"],
            "tutorial_accuracy": round(confusion.accuracy, 5),
            "words_accuracy": round(np.trace(confusion.matrix[2:, 2:]) / max(words, 1), 5),
            "confusion": confusion.matrix.tolist(),
        },
        **conditions_figures(content, settings, arguments),
        "subset": subset_figures(
            content, settings, arguments.subset_dir or arguments.data_dir, arguments.room
        ),
        "kinds": kind_figures(path, settings, arguments.kind),
        "about_kinds": arguments.about_kinds if arguments.kind else "",
        "stream": stream_figures(folder, path, settings, arguments),
        **cost(content, about, settings, arguments.stream[0].with_suffix(".wav")),
    }


def front_end_figures(settings: ModelSettings) -> dict[str, Any]:
    """The front end's settings, without those that it does not use."""
    values = dataclasses.asdict(settings.front_end)
    return {name: value for name, value in values.items() if value is not None}


def evaluate(content: bytes, settings: ModelSettings, data_dir: Path) -> Confusion:
    """Testing clips as in the tutorial: silence and unknown words 10% each of the wanted ones."""
    clips = testing_clips(settings, data_dir)
    return confusion_of(content, settings, clips.labels, clips.samples)


def testing_clips(settings: ModelSettings, data_dir: Path) -> LabelledClips:
    recorded = settings.provenance["corpus"]
    corpus = CorpusSettings(
        wanted_words=settings.labels[2:],
        validation_percentage=recorded["validation_percentage"],
        testing_percentage=recorded["testing_percentage"],
    )
    index = scan_corpus(data_dir, corpus)
    form = {"sample_rate": settings.front_end.sample_rate, "samples": settings.clip_samples}
    return evaluation_clips(index, "testing", **form, noises=load_background(index, **form))


def confusion_of(
    content: bytes, settings: ModelSettings, truth: np.ndarray, samples: np.ndarray
) -> Confusion:
    predicted = clip_scores(content, settings, samples).argmax(axis=1)
    return Confusion.of(truth, predicted, labels=len(settings.labels))


def conditions_figures(
    content: bytes, settings: ModelSettings, arguments: argparse.Namespace
) -> dict[str, Any]:
    """Accuracy, with its bounds, of the tutorial's clips under noise and at other levels."""
    if not arguments.room:
        return {}
    clips = testing_clips(settings, arguments.data_dir)
    figures = {}
    for condition in conditions(
        clips.samples,
        noises=noises_to_test_with(arguments.room, settings),
        snr_db=SNR_DB,
        level_db=LEVEL_DB,
    ):
        found = confusion_of(content, settings, clips.labels, condition.samples)
        bounds = (found.accuracy, *found.accuracy_interval)
        figures[condition.name] = [round(value, 5) for value in bounds]
    return {"conditions": figures}


def noises_to_test_with(room: Path, settings: ModelSettings) -> list[np.ndarray]:
    folder = room / "test" / BACKGROUND_NOISE_FOLDER
    rate = settings.front_end.sample_rate
    return [read_audio(path, sample_rate=rate) for path in audio_files(folder, "*")]


def kind_figures(path: Path, settings: ModelSettings, kinds: list[str]) -> dict[str, Any]:
    """With the model's own decoder, each kind of audio by itself."""
    scoring = ScoreSettings(clip_duration_ms=settings.clip_duration_ms)
    figures = {}
    for kind in kinds:
        name, wav, *truth = kind.split(",")
        piece = Material(
            track=load_track(path, wav), ground_truth=read_truth(*truth) if truth else []
        )
        figures[name] = score_material([piece], settings.decoder, settings=scoring).figures()
    return figures


def subset_figures(
    content: bytes, settings: ModelSettings, data_dir: Path, room: Path | None
) -> dict[str, int]:
    """What tests expect, to the clip: about SUBSET spoken clips, evenly from all words of the
    testing partition; a word that is no label of the model counts as unknown. With the sounds of a
    room also the same clips under noise, and detections in the beginning of its talk and events."""
    recorded = settings.provenance["corpus"]
    shares = recorded["validation_percentage"], recorded["testing_percentage"]
    found = [path for path in visible_files(data_dir, "*/*.wav") if path.parent.name[0] != "_"]
    testing = [path for path in sorted(found) if which_set(path, *shares) == "testing"]
    chosen = testing[:: max(1, len(testing) // SUBSET)]
    form = {"sample_rate": settings.front_end.sample_rate, "samples": settings.clip_samples}
    samples = load_clips(chosen, **form)
    wanted = settings.labels[2:]
    truth = [path.parent.name if path.parent.name in wanted else UNKNOWN_LABEL for path in chosen]

    def right(clips: np.ndarray) -> int:
        predicted = clip_scores(content, settings, clips).argmax(axis=1)
        named = (settings.labels[number] for number in predicted)
        return sum(name == true for name, true in zip(named, truth, strict=True))

    figures = {"clips": len(chosen), "right": right(samples)}
    if room:
        noises = noises_to_test_with(room, settings)
        *_, noisy = conditions(samples, noises=noises, snr_db=[SUBSET_SNR_DB])
        figures["right_in_noise"] = right(noisy.samples)
        for kind in ("speech", "events"):
            wav = room / f"test_{kind}.wav"
            figures[f"{kind}_detections"] = detections(content, settings, wav)
    return figures


def detections(content: bytes, settings: ModelSettings, wav: Path) -> int:
    """Words that the model's own decoder detects in the first SUBSET_SECONDS."""
    rate = settings.front_end.sample_rate
    samples = np.array(map_wav(wav, sample_rate=rate)[0][: SUBSET_SECONDS * rate])
    found = compute_scores(content, settings, samples).decode()
    return sum(entry.label in settings.labels[2:] for entry in found)


def stream_figures(
    folder: Path, path: Path, settings: ModelSettings, arguments: argparse.Namespace
) -> dict[str, Any]:
    """With the model's own decoder, and its curve over thresholds."""
    material = [
        Material(
            track=load_track(path, stream.with_suffix(".wav")),
            ground_truth=read_truth(stream.with_suffix(".txt")),
        )
        for stream in arguments.stream
    ]
    scoring = ScoreSettings(clip_duration_ms=settings.clip_duration_ms)
    score = score_material(material, settings.decoder, settings=scoring)
    curve = detection_curve(material, settings.decoder, settings=scoring)
    draw_curves(
        folder / "det.png",
        {arguments.name: curve},
        title=f"{arguments.name}: {score.words} words in {score.hours:.2f} h of audio",
        chosen={arguments.name: CurvePoint.of(settings.decoder.detection_threshold, score)},
    )
    return {
        "about": arguments.about_stream,
        "hours": round(score.hours, 4),
        **score.figures(),
        "det": [point.to_dict() for point in curve],
    }


def cost(
    content: bytes, about: dict[str, Any], settings: ModelSettings, stream: Path
) -> dict[str, Any]:
    counted = {
        name: count_instructions(content, ROOT, board=board, cpu=cpu).inference
        for name, (board, cpu) in CORES.items()
    }
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "model.tflite"
        copy.write_bytes(content)
        fit = fit_on_board(copy, ROOT, PIPELINE_BOARD)
    frames = settings.front_end.sample_rate / settings.front_end.stride_samples
    return {
        "macs_per_frame": about["macs"],
        "frames_per_second": frames,
        "arena_bytes": about["arena_bytes"],
        "instructions_per_frame": counted,
        "pipeline": {
            "board": PIPELINE_BOARD,
            "flash_bytes": fit.flash_needed,
            "ram_bytes": fit.ram_needed,
            "instructions_per_second": load(settings, stream),
        },
    }


def load(settings: ModelSettings, stream: Path) -> int:
    """Instructions for a second of audio, all in all, by the firmware that was just linked."""
    image = ROOT / "build" / "info" / f"{PIPELINE_BOARD}-image" / "boards" / "stapes-firmware.elf"
    rate = settings.front_end.sample_rate
    samples = np.array(map_wav(stream, sample_rate=rate)[0][: LOAD_SECONDS * rate])
    with open_player(board=PIPELINE_BOARD, image=image) as player:
        stats = player.play(samples).stats
    seconds = stats["busy_ticks"] / stats["ticks_per_second"]
    return round(seconds * 1e9 / INSTRUCTION_NS * rate / stats["samples"])


if __name__ == "__main__":
    sys.exit(main())
