#!/usr/bin/env python3
"""Measure a shipped model and write its card: card.json, card.md and two pictures.

    models/card.py words --data_dir speech_commands --stream build/words/verify

Nothing in a card is written by hand: what the model is comes out of the model, accuracies out of
the testing partition through the firmware's own code, streaming figures out of STREAM.wav and
STREAM.txt (`stapes stream make`), instructions out of emulated boards.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import hashlib
import json
import os
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from stapes.audio.wav import map_wav
from stapes.cli.commands.info import describe
from stapes.corpus.clips import evaluation_clips, load_background, load_clips
from stapes.corpus.index import CorpusSettings, scan_corpus
from stapes.corpus.partition import which_set
from stapes.device.clip_scores import clip_scores
from stapes.errors import StapesError
from stapes.evaluation.confusion import Confusion
from stapes.files import visible_files, write_text
from stapes.firmware.emulator import INSTRUCTION_NS
from stapes.firmware.measure import count_instructions, fit_on_board
from stapes.model.metadata import load_model
from stapes.model.settings import UNKNOWN_LABEL, ModelSettings
from stapes.replay import open_player
from stapes.stream.curve import CurvePoint, Material, detection_curve, score_material
from stapes.stream.labels import read_truth
from stapes.stream.plot import draw_curves
from stapes.stream.score import ScoreSettings
from stapes.stream.scores import load_track
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
# Spoken clips of the fixed subset that tests evaluate anew.
SUBSET = 400
ATTRIBUTION = (
    "Speech Commands (Pete Warden, 2018; https://arxiv.org/abs/1804.03209), licensed under "
    "Creative Commons Attribution 4.0 (https://creativecommons.org/licenses/by/4.0/)"
)

ABOUT_CLIPS = "All are clips of the testing partition: of speakers that were not trained with."
ATTRIBUTION_OWED = "All were trained on Speech Commands: whoever ships one owes its attribution."
RATES = (0.5, 2, 10)  # false accepts per hour


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
    parser.add_argument("--about_stream", required=True, help="one sentence on what is in it")
    parser.add_argument(
        "--subset_dir",
        type=Path,
        help="Speech Commands itself, of which tests evaluate a subset (DATA_DIR)",
    )
    parser.add_argument("--about_clips", default=ABOUT_CLIPS, help="the same on single clips")
    parser.add_argument("--data", default=ATTRIBUTION, help="what it was trained on, and its terms")
    arguments = parser.parse_args()
    if not arguments.data_dir:
        parser.error("set STAPES_CORPUS or --data_dir to a folder of clips")
    try:
        write_card(arguments)
    except StapesError as error:
        print(f"card.py: {error}", file=sys.stderr)
        return 1
    return 0


def write_card(arguments: argparse.Namespace) -> None:
    folder = MODELS / arguments.name
    card = measure(folder, arguments)
    write_text(folder / "card.json", json.dumps(card, indent=2, ensure_ascii=False) + "\n")
    write_text(folder / "card.md", to_markdown(card))
    write_text(MODELS / "README.md", to_overview(read_cards()))
    print(f"wrote {folder / 'card.json'}, card.md, confusion.png, det.png; README.md beside it")


def read_cards() -> list[dict[str, Any]]:
    """All cards that there are, smallest model first."""
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in MODELS.glob("*/card.json")]
    return sorted(cards, key=lambda card: card["model_bytes"])


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
        "data": arguments.data,
        "about_clips": arguments.about_clips,
        "command": settings.provenance["command"],
        "recipe": f"models/{arguments.name}/recipe.sh",
        "seed": settings.provenance["seed"],
        "front_end": dataclasses.asdict(settings.front_end),
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
        "subset": subset_figures(content, settings, arguments.subset_dir or arguments.data_dir),
        "stream": stream_figures(folder, path, settings, arguments),
        **cost(content, about, settings, arguments.stream[0].with_suffix(".wav")),
    }


def evaluate(content: bytes, settings: ModelSettings, data_dir: Path) -> Confusion:
    """Testing clips as in the tutorial: silence and unknown words 10% each of the wanted ones."""
    recorded = settings.provenance["corpus"]
    corpus = CorpusSettings(
        wanted_words=settings.labels[2:],
        validation_percentage=recorded["validation_percentage"],
        testing_percentage=recorded["testing_percentage"],
    )
    index = scan_corpus(data_dir, corpus)
    form = {"sample_rate": settings.front_end.sample_rate, "samples": settings.clip_samples}
    noises = load_background(index, **form)
    clips = evaluation_clips(index, "testing", **form, noises=noises)
    predicted = clip_scores(content, settings, clips.samples).argmax(axis=1)
    return Confusion.of(clips.labels, predicted, labels=len(settings.labels))


def subset_figures(content: bytes, settings: ModelSettings, data_dir: Path) -> dict[str, int]:
    """What tests expect, to the clip: about SUBSET spoken clips, evenly from all words of the
    testing partition; a word that is no label of the model counts as unknown."""
    recorded = settings.provenance["corpus"]
    shares = recorded["validation_percentage"], recorded["testing_percentage"]
    found = [path for path in visible_files(data_dir, "*/*.wav") if path.parent.name[0] != "_"]
    testing = [path for path in sorted(found) if which_set(path, *shares) == "testing"]
    chosen = testing[:: max(1, len(testing) // SUBSET)]
    form = {"sample_rate": settings.front_end.sample_rate, "samples": settings.clip_samples}
    predicted = clip_scores(content, settings, load_clips(chosen, **form)).argmax(axis=1)
    names = [settings.labels[number] for number in predicted]
    wanted = settings.labels[2:]
    truth = [path.parent.name if path.parent.name in wanted else UNKNOWN_LABEL for path in chosen]
    right = sum(name == true for name, true in zip(names, truth, strict=True))
    return {"clips": len(chosen), "right": right}


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


def rejects_at(stream: dict[str, Any], rate: float) -> str:
    """The fewest false rejects with at most `rate` false accepts per hour."""
    shares = [
        point["false_reject_rate"]
        for point in stream["det"]
        if point["false_accepts_per_hour"] <= rate
    ]
    return f"{100 * min(shares):.1f}%" if shares else "-"


def to_overview(cards: list[dict[str, Any]]) -> str:
    """README.md of the folder: all cards side by side."""
    rows = [
        f"| [{card['name']}]({card['name']}/card.md) | {len(card['labels'])} | "
        f"{card['model_bytes']:,} | {100 * card['clips']['tutorial_accuracy']:.1f}% | "
        f"{rejects_at(card['stream'], RATES[0])} | {rejects_at(card['stream'], RATES[-1])} | "
        f"{card['macs_per_frame']:,} | {card['instructions_per_frame']['Cortex-M4']:,} | "
        f"{card['pipeline']['instructions_per_second'] / 1e6:.1f} M | "
        f"{card['pipeline']['ram_bytes']:,} |"
        for card in cards
    ]
    return "\n".join(
        [
            "# Shipped models",
            "",
            "Each folder holds the model, the recipe that makes it anew with one command, and a",
            "card with all that was measured. This page and the cards are written by `card.py`;",
            "[the lab log](../docs/lab.md) says what else was tried.",
            "",
            "| model | labels | bytes | int8 accuracy, clips | false rejects at "
            f"{RATES[0]:g} FA/h | at {RATES[-1]:g} FA/h | MACs per frame | "
            "instructions per frame, Cortex-M4 | "
            "instructions per second of audio, whole firmware | RAM, whole firmware |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            "A frame comes every 20 ms. What the streams of false rejects and accepts hold, and",
            "how sure the figures are, is on the cards. " + ATTRIBUTION_OWED,
            "",
        ]
    )


def to_markdown(card: dict[str, Any]) -> str:
    clips, stream, pipeline = card["clips"], card["stream"], card["pipeline"]
    low, high = stream["false_accepts_per_hour_95"]
    rejects = [100 * rate for rate in stream["false_reject_rate_95"]]
    latency = stream["latency_ms"]
    lines = [
        f"# {card['name']}",
        "",
        f"Labels: {', '.join(card['labels'])}. {card['model_bytes']:,} bytes, "
        f"SHA-256 `{card['sha256'][:16]}…`, measured {card['date']} by `models/card.py`.",
        "",
        f"Data: {card['data']}. Whoever ships this model owes that attribution.",
        "",
        f"Made by `{card['recipe']}` (seed {card['seed']}); its last training command is",
        "",
        f"    {shlex.join(shlex.split(card['command']))}",
        "",
        "## Single clips",
        "",
        "| what | accuracy | clips |",
        "|---|---|---|",
        f"| float, clips of the training's own mixture | {100 * clips['float_accuracy']:.2f}% | "
        f"{clips['test_clips']} |",
        f"| int8, the same clips | {100 * clips['int8_accuracy']:.2f}% | {clips['test_clips']} |",
        f"| int8, silence and unknown words 10% each, as in the tutorial | "
        f"{100 * clips['tutorial_accuracy']:.2f}% | {clips['testing']} |",
        f"| int8, wanted words alone | {100 * clips['words_accuracy']:.2f}% | {clips['words']} |",
        "",
        card["about_clips"],
        "",
        "![confusion matrix](confusion.png)",
        "",
        "## Streaming",
        "",
        f"{stream['about']} {stream['hours']:.2f} h, {stream['words']} wanted words, the model's "
        "own decoder settings:",
        "",
        "| what | figure | 95% interval |",
        "|---|---|---|",
        f"| false rejects | {100 * stream['false_reject_rate']:.1f}% | "
        f"{rejects[0]:.1f} to {rejects[1]:.1f}% |",
        f"| false accepts per hour | {stream['false_accepts_per_hour']:.2f} | "
        f"{low:.2f} to {high:.2f} |",
        f"| words taken for another wanted word | {stream['wrong']} | |",
    ]
    if latency:
        lines.append(
            f"| from the end of the word to its detection | {latency['median']:.0f} ms (median), "
            f"{latency['percentile_90']:.0f} ms (90%) | |"
        )
    lines += [
        "",
        "Streams draw their clips with replacement. The intervals take every draw for a clip of "
        "its own, which makes them too narrow where there are few.",
        "",
        "At other thresholds, on the same audio (its curve; chosen afterwards, so a little rosy):",
        "",
        "| false accepts per hour, at most | false rejects |",
        "|---|---|",
        *(f"| {rate:g} | {rejects_at(stream, rate)} |" for rate in RATES),
        "",
        "![detection error trade-off](det.png)",
        "",
        "## Cost",
        "",
        f"{card['macs_per_frame']:,} multiply-accumulates for each frame, "
        f"{card['frames_per_second']:g} frames per second; {card['arena_bytes']:,} bytes of arena.",
        f"The whole firmware on {pipeline['board']} takes {pipeline['flash_bytes']:,} bytes of "
        f"flash and {pipeline['ram_bytes']:,} of RAM, the stack included, and executes "
        f"{pipeline['instructions_per_second']:,} instructions for a second of audio.",
        "",
        "| core | instructions per frame, network alone |",
        "|---|---|",
        *(f"| {core} | {count:,} |" for core, count in card["instructions_per_frame"].items()),
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
