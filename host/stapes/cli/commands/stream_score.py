# SPDX-License-Identifier: Apache-2.0
"""Score detections against a ground truth: words matched, correct, wrong, false accepts per hour.

With --model, the audio runs through the firmware's own code on all cores. --detections takes the
detections of something else: "label, time_ms" lines, or the JSON lines of `stapes replay` and
`stapes monitor`. The time of a detection is the end of the audio heard. The time of a word is the
start of its clip. They belong together if start <= detection <= start + clip duration + tolerance.
Every word counts once. Every further detection is a false accept. _silence_ and _unknown_ are not
words. --compatibility tutorial adds the figures by the rules of TensorFlow's
test_streaming_accuracy: there, one word takes any number of detections, and _unknown_ counts.

With --wake, --model sleeps until the other model hears its wake word, as in a firmware of `stapes
flash --wake`. Words of the ground truth that only the other model knows are its own.

Intervals are exact (Poisson for false accepts, binomial for words) at 95%. --json and --det_png get
a DET curve: false rejects against false accepts at every threshold.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from stapes.cli.flags import add_flags, given
from stapes.cli.shared_flags import WorkerFlags, add_wake_flags, model_file, wake_settings
from stapes.errors import StapesError
from stapes.model.settings import DecoderSettings
from stapes.options import as_text, declared
from stapes.plain import say
from stapes.stream.accuracy import ScoreSettings, StreamScore, score_stream
from stapes.stream.labels import (
    LabelTime,
    check_labels,
    check_within,
    note_other_spellings,
    read_labels,
    read_truth,
)

EXAMPLE = """\
  stapes stream score --model model.tflite --wav stream.wav --ground_truth labels.txt
  stapes stream score --model words --wake jarvis --wav stream.wav --ground_truth labels.txt
  stapes stream score --ground_truth labels.txt --detections detections.txt"""
_DECODER = [name for name in declared(DecoderSettings) if name != "compatibility"]
SHOWN_EVENTS = 20  # of each kind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--ground_truth",
        type=Path,
        required=True,
        help='"label, time_ms" lines: starts of clips; or a label track of Audacity; a file beside '
        "it with the suffix .jsonl, as `stapes stream make` writes it, tells where words end",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--model", type=model_file, help="a .tflite file to run over the audio of --wav"
    )
    source.add_argument(
        "--detections", type=Path, help='"label, time_ms" or JSON lines: ends of what was heard'
    )
    add_wake_flags(parser)
    add("--wav", type=Path, help="the audio; with --detections for its duration and --clips")
    add_flags(parser, ScoreSettings, only=["time_tolerance_ms"])
    length = f"the model's, else {as_text(ScoreSettings.clip_duration_ms)}"
    add_flags(parser, ScoreSettings, only=["clip_duration_ms"], instead_of=length)
    add_flags(parser, DecoderSettings, only=["compatibility"])
    add(
        "--clips",
        type=Path,
        metavar="DIR",
        help="cut every miss, wrong word and false accept out of --wav, to listen to",
    )
    add("--det_png", type=Path, metavar="FILE", help="draw DET curves (extra: plot)")
    add_flags(parser, WorkerFlags)
    add(
        "--all",
        action="store_true",
        help=f"list every miss, wrong word and false accept, not the first {SHOWN_EVENTS} of each",
    )
    add("--json", action="store_true", help="print one JSON object, with every one of them")
    decoder = parser.add_argument_group(
        "decoder", "in place of the model's own settings; docs/numerics.md explains them"
    )
    add_flags(decoder, DecoderSettings, only=_DECODER, instead_of="the model's own")


def run(arguments: argparse.Namespace) -> int:
    from stapes.audio.wav import map_wav

    _check(arguments)
    truth = _read_truth(arguments.ground_truth, may_be_empty=arguments.wav is not None)
    if arguments.wav:
        samples, rate = map_wav(arguments.wav)
        check_within(
            truth, len(samples) * 1000 / rate, path=arguments.ground_truth, audio=arguments.wav
        )
    if arguments.wake:
        report = _score_woken(arguments, truth)
    elif arguments.model:
        report = _score_model(arguments, truth)
    else:
        report = _score_file(arguments, truth)
    if arguments.json:
        print(json.dumps(report.to_dict()))
    else:
        print(report.to_text(most=None if arguments.all else SHOWN_EVENTS), end="")
    return 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Report:
    score: StreamScore
    tutorial: str | None  # the original's line
    extra: dict  # of the model: `decoder`, `gate`, `det`, `wake`
    wake: str = ""  # lines about the wake word

    def to_dict(self) -> dict:
        return {**self.score.to_dict(), **self.extra, "tutorial": self.tutorial}

    def to_text(self, *, most: int | None) -> str:
        text = self.score.to_text(most=most)
        if gate := self.extra.get("gate"):
            text += (
                f"silence gate: the network runs in {100 * gate['duty']:.1f}% of the frames "
                f"({gate['openings']} openings)\n"
            )
        if self.tutorial is not None:
            text = f"{self.tutorial} (by the tutorial's rules)\n{text}"
        return text + self.wake


def _check(arguments: argparse.Namespace) -> None:
    """Mistakes that can be found before the work starts."""
    from stapes.files import check_output
    from stapes.stream.cuts import check_folder
    from stapes.stream.plot import check_plotting

    if arguments.model and not arguments.wav:
        raise StapesError("--model: expected --wav as well, the audio to run it over")
    if arguments.wake and (not arguments.model or arguments.det_png or _is_compatible(arguments)):
        raise StapesError(
            "--wake: expected --model, and neither --det_png nor --compatibility tutorial, which "
            "take a model that always listens; leave them out"
        )
    if arguments.clips and not arguments.wav:
        raise StapesError("--clips: expected --wav as well, the audio to cut clips out of")
    decoder_flags = list(given(DecoderSettings, arguments, only=_DECODER))
    if arguments.det_png:
        decoder_flags.append("det_png")
    if arguments.detections and decoder_flags:
        raise StapesError(
            f"--{decoder_flags[0]}: expected --model as well; detections are decoded already"
        )
    if arguments.clips:
        check_folder(arguments.clips)
    if arguments.det_png:
        check_plotting()
        inputs = [arguments.model, arguments.wav, arguments.ground_truth]
        check_output(arguments.det_png, inputs=inputs)


def _score_file(arguments: argparse.Namespace, truth: list[LabelTime]) -> _Report:
    """What --detections says."""
    from stapes.audio.wav import map_wav

    settings = _score_settings(arguments, ScoreSettings.clip_duration_ms)
    detections = read_labels(arguments.detections, what="detections")
    note_other_spellings(truth, detections, path=arguments.ground_truth)
    duration_ms = None
    if arguments.wav:
        samples, rate = map_wav(arguments.wav)
        duration_ms = len(samples) * 1000 / rate
    score = score_stream(truth, detections, settings=settings, duration_ms=duration_ms)
    _cut(arguments, score, settings)
    tutorial = _tutorial(arguments, truth, detections, settings)
    return _Report(score=score, tutorial=tutorial, extra={})


def _score_model(arguments: argparse.Namespace, truth: list[LabelTime]) -> _Report:
    """What --model hears in --wav."""
    from stapes.device.decoder import Decoder
    from stapes.model.metadata import read_settings
    from stapes.stream.curve import CurvePoint, Material, detection_curve
    from stapes.stream.plot import draw_curves
    from stapes.stream.score_track import load_track

    model = read_settings(arguments.model)
    check_labels(truth, model.labels, path=arguments.ground_truth)
    settings = _score_settings(arguments, model.clip_duration_ms)
    decoder = _decoder(arguments, model.decoder)
    Decoder(dataclasses.replace(model, decoder=decoder))  # refuses bad ones before hours of audio
    track = load_track(arguments.model, arguments.wav, workers=arguments.workers)
    score = score_stream(
        truth, track.detections(decoder), settings=settings, duration_ms=track.duration_ms
    )
    extra: dict = {"decoder": dataclasses.asdict(decoder)}
    if track.gate is not None:
        extra["gate"] = track.gate.figures()
    if arguments.json or arguments.det_png:
        material = [Material(track=track, ground_truth=truth)]
        curve = detection_curve(material, decoder, settings=settings, workers=arguments.workers)
        extra["det"] = [point.to_dict() for point in curve]
        if arguments.det_png:
            draw_curves(
                arguments.det_png,
                {model.name: curve},
                title=f"{arguments.wav.name}: {score.words} words, {score.hours:.2f} h",
                chosen={model.name: CurvePoint.of(decoder.detection_threshold, score)},
            )
    _cut(arguments, score, settings)
    originals = track.detections(_as_original(decoder)) if _is_compatible(arguments) else []
    return _Report(
        score=score, tutorial=_tutorial(arguments, truth, originals, settings), extra=extra
    )


def _score_woken(arguments: argparse.Namespace, truth: list[LabelTime]) -> _Report:
    """What --model hears in --wav after a word of --wake."""
    from stapes.device.bundle import ModelBundle
    from stapes.device.wake import WakeStage
    from stapes.stream.wake_track import load_wake_track

    wake_word, model = (ModelBundle.from_file(path) for path in (arguments.wake, arguments.model))
    known = model.settings.labels
    check_labels(truth, (*known, *wake_word.settings.labels), path=arguments.ground_truth)
    own = [entry for entry in truth if entry.label not in known]
    settings = _score_settings(arguments, model.settings.clip_duration_ms)
    decoder = _decoder(arguments, model.settings.decoder)
    model = dataclasses.replace(
        model, settings=dataclasses.replace(model.settings, decoder=decoder)
    )
    track = load_wake_track(WakeStage(wake_word, model, wake_settings(arguments)), arguments.wav)
    words = [entry for entry in truth if entry.label in known]
    score = score_stream(words, track.detections, settings=settings, duration_ms=track.duration_ms)
    wake = score_stream(own, track.wake_words, settings=settings, duration_ms=track.duration_ms)
    _cut(arguments, score, settings)
    said = {"awake_share": track.awake_share, **wake.figures()}
    return _Report(
        score=score,
        tutorial=None,
        extra={"decoder": dataclasses.asdict(decoder), "wake": said},
        wake=_about_wake_word(wake, track.awake_share),
    )


def _about_wake_word(score: StreamScore, awake_share: float) -> str:
    heard = f"{score.correct} of {score.words} heard, " if score.words else ""
    return (
        f"wake word: {heard}{score.false_accepts} false "
        f"({score.false_accepts_per_hour:.2f} per hour); awake for {awake_share:.1%} of the time\n"
    )


def _read_truth(path: Path, *, may_be_empty: bool) -> list[LabelTime]:
    truth = read_truth(path)
    if not truth and not may_be_empty:
        raise StapesError(
            f"{path}: found no entry, expected the spoken words; check the path, "
            "or pass --wav if there were none"
        )
    return truth


def _score_settings(arguments: argparse.Namespace, clip_duration_ms: float) -> ScoreSettings:
    given = arguments.clip_duration_ms
    return ScoreSettings(
        clip_duration_ms=clip_duration_ms if given is None else given,
        time_tolerance_ms=arguments.time_tolerance_ms,
    )


def _decoder(arguments: argparse.Namespace, decoder: DecoderSettings) -> DecoderSettings:
    """The model's decoder, changed by the flags. A threshold that is given holds for all words."""
    changes = given(DecoderSettings, arguments, only=_DECODER)
    if "detection_threshold" in changes:
        changes["label_thresholds"] = {}
    return dataclasses.replace(decoder, **changes)


def _is_compatible(arguments: argparse.Namespace) -> bool:
    return arguments.compatibility == "tutorial"


def _as_original(decoder: DecoderSettings) -> DecoderSettings:
    """Those settings of `decoder` that TensorFlow's original has, too."""
    return DecoderSettings(
        average_window_duration_ms=decoder.average_window_duration_ms,
        detection_threshold=decoder.detection_threshold,
        suppression_ms=decoder.suppression_ms,
        minimum_count=decoder.minimum_count,
        compatibility="tutorial",
    )


def _tutorial(
    arguments: argparse.Namespace,
    truth: list[LabelTime],
    detections: list[LabelTime],
    settings: ScoreSettings,
) -> str | None:
    from stapes.stream.tutorial import tutorial_score

    if not _is_compatible(arguments):
        return None
    return tutorial_score(
        truth,
        detections,
        clip_duration_ms=settings.clip_duration_ms,
        time_tolerance_ms=settings.time_tolerance_ms,
    ).to_text()


def _cut(arguments: argparse.Namespace, score: StreamScore, settings: ScoreSettings) -> None:
    from stapes.audio.wav import map_wav
    from stapes.stream.cuts import write_cuts

    if arguments.clips:
        samples, rate = map_wav(arguments.wav)
        count = write_cuts(arguments.clips, score, samples, sample_rate=rate, settings=settings)
        say(f"{arguments.clips}: {count} clips to listen to", to=sys.stderr)
