#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clip accuracy of upstream's micro_speech and of Stapes' `micro`, on the same testing clips.

Upstream's two models (features, then labels) run in upstream's own runtime, from the PyPI package
tflite-micro; they are not part of this repository: give the folder that holds them, in a checkout
of tflite-micro `tensorflow/lite/micro/examples/micro_speech/models`. The features' noise estimate
is reset before every clip, as upstream's evaluate.py does. Upstream divides the corpus in another
way. So it may know some of these testing clips from its training, which can only help it.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tflite_micro

from stapes.corpus.clips import LabelledClips, evaluation_clips, load_background
from stapes.corpus.index import CorpusSettings, scan_corpus
from stapes.device.clip_scores import clip_scores
from stapes.evaluation.confusion import Confusion
from stapes.model.metadata import load_model

ROOT = Path(__file__).resolve().parent.parent
LABELS = ("_silence_", "_unknown_", "yes", "no")
WINDOW, STRIDE, FRAMES = 480, 320, 49
# Unknown clips per 100 wanted ones: the tutorial's share, and all four labels as often.
UNKNOWN_PERCENTAGES = (10, 50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upstream_models", type=Path, required=True, help="folder of .tflite")
    parser.add_argument(
        "--data_dir",
        type=Path,
        default=os.environ.get("STAPES_CORPUS"),
        help="folder of clips, <word>/*.wav (STAPES_CORPUS)",
    )
    parser.add_argument("--model", type=Path, default=ROOT / "models/micro/model.tflite")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, no table")
    arguments = parser.parse_args()
    if not arguments.data_dir:
        parser.error("set STAPES_CORPUS or --data_dir to a folder of clips")
    results = {
        str(percentage): measure(arguments, percentage) for percentage in UNKNOWN_PERCENTAGES
    }
    if arguments.json:
        print(json.dumps(results))
        return
    print("unknown  clips  micro_speech  micro   (accuracy in %, of int8 models)")
    for percentage, result in results.items():
        print(
            f"{percentage:>6}%  {result['clips']:>5}  {100 * result['upstream']:>11.2f}  "
            f"{100 * result['stapes']:>6.2f}"
        )


def measure(arguments: argparse.Namespace, percentage: float) -> dict[str, float]:
    clips = testing_clips(arguments.data_dir, percentage)
    content, settings = load_model(arguments.model)
    stapes = clip_scores(content, settings, clips.samples).argmax(axis=1)
    upstream = upstream_scores(arguments.upstream_models, clips.samples).argmax(axis=1)
    accuracies = {
        name: Confusion.of(clips.labels, predicted, labels=len(LABELS)).accuracy
        for name, predicted in (("upstream", upstream), ("stapes", stapes))
    }
    return {"clips": len(clips), **accuracies}


def testing_clips(data_dir: Path, percentage: float) -> LabelledClips:
    settings = CorpusSettings(
        wanted_words=LABELS[2:], silence_percentage=percentage, unknown_percentage=percentage
    )
    index = scan_corpus(data_dir, settings)
    form = {"sample_rate": 16000, "samples": 16000}
    return evaluation_clips(index, "testing", **form, noises=load_background(index, **form))


def upstream_scores(folder: Path, clips: Sequence[np.ndarray]) -> np.ndarray:
    """int16 [clips, samples] -> int8 [clips, labels]."""
    preprocessor, classifier = (
        tflite_micro.runtime.Interpreter.from_file(str(folder / name))
        for name in ("audio_preprocessor_int8.tflite", "micro_speech_quantized.tflite")
    )
    scores = []
    for clip in clips:
        preprocessor.reset()
        frames = []
        for start in range(0, FRAMES * STRIDE, STRIDE):
            preprocessor.set_input(clip[None, start : start + WINDOW], 0)
            preprocessor.invoke()
            frames.append(preprocessor.get_output(0).ravel())
        classifier.set_input(np.concatenate(frames)[None], 0)
        classifier.invoke()
        scores.append(classifier.get_output(0)[0].copy())
    return np.array(scores)


if __name__ == "__main__":
    main()
