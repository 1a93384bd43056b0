# SPDX-License-Identifier: Apache-2.0
"""Choose a model's decoder settings for a rate of false accepts, and write them into the model.

The audio is scored once. Then averaging windows, suppression times, decoder modes and thresholds
are tried with the scores in the firmware's decoder. The best settings lose the fewest words at
--fa_per_hour or less. They go into --output_file, or with --in_place into the model itself,
together with their measurements. --verify_wav measures the result with audio that had no part in
the choice. Quote these figures. Several WAVs count as one. If nobody says a word in the audio, its
labels are an empty file.

A room has more than one kind of sound. Each --also adds another (talk, noise, words in noise) with
its own limit of false accepts. The settings then keep all limits.

--gate leaves the decoder as it is and chooses a silence gate in its place: while a room is quiet,
the network does not run (docs/gate.md). A gate that loses too many words is not written.

docs/thresholds.md says how much audio you need, and how to choose a target.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.next_step import next_step
from stapes.cli.shared_flags import WorkerFlags, model_file
from stapes.errors import StapesError
from stapes.evaluation.intervals import RULE_OF_THREE
from stapes.files import check_output, write_bytes
from stapes.plain import say
from stapes.stream.accuracy import ScoreSettings

if TYPE_CHECKING:
    from stapes.stream.accuracy import StreamScore
    from stapes.stream.curve import Material
    from stapes.stream.gate_tuning import Recording
    from stapes.stream.score_track import ScoreTrack
    from stapes.stream.tune import Kind, Tuned

_KEPT_OF_KINDS = ("limit", "wav", "words", "correct", "false_accepts", "duration_ms")
EXAMPLE = """\
  stapes tune model.tflite --wav stream.wav --labels labels.txt --fa_per_hour 0.5 \\
      --verify_wav other.wav --verify_labels other.txt --output_file tuned.tflite"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.stream.gate_tuning import GateTuneSettings
    from stapes.stream.tune import TuneSettings

    add = parser.add_argument
    add("model", type=model_file, metavar="MODEL", help="the model to tune")
    add("--wav", type=Path, nargs="+", required=True, help="audio to tune on")
    add("--labels", type=Path, nargs="+", required=True, help="a ground truth for each --wav")
    add_flags(parser, TuneSettings, only=["fa_per_hour"])
    add("--also", type=_kind, action="append", default=[], metavar="NAME,RATE,WAV[,LABELS]",
        help="audio of another kind with its own limit of false accepts per hour; without LABELS "
        "it has no words; may be given several times")  # fmt: skip
    add("--verify_wav", type=Path, nargs="+", default=[], help="audio to verify the choice on")
    add("--verify_labels", type=Path, nargs="+", default=[], help="a ground truth for each of them")
    add("--verify_also", type=_kind, action="append", default=[], metavar="NAME,RATE,WAV[,LABELS]",
        help="the same to verify the choice on")  # fmt: skip
    add_flags(parser, TuneSettings, omit=["fa_per_hour"])
    add_flags(parser, ScoreSettings, only=["time_tolerance_ms"])
    add("--gate", action="store_true", help="choose a silence gate, leave the decoder as it is")
    add_flags(parser, GateTuneSettings)
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--output_file", type=Path, help="the tuned model (default: only print)")
    output.add_argument("--in_place", action="store_true", help="write into the model itself")
    add("--det_png", type=Path, metavar="FILE", help="draw DET curves (extra: plot)")
    add_flags(parser, WorkerFlags)
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    _check(arguments)
    if arguments.gate:
        from stapes.cli import tune_gate

        return tune_gate.run(arguments, load=_recordings)
    return _run_decoder(arguments)


def _run_decoder(arguments: argparse.Namespace) -> int:
    from stapes.progress import ProgressBar
    from stapes.stream.curve import score_material
    from stapes.stream.tune import TuneSettings, tune

    settings = from_flags(TuneSettings, arguments)
    material = _load(arguments, arguments.wav, arguments.labels)
    model = material[0].track.settings
    scoring = from_flags(ScoreSettings, arguments, clip_duration_ms=model.clip_duration_ms)
    with ProgressBar("tuning, decodings", settings.decodings) as bar:
        tuned = tune(
            material,
            model.decoder,
            settings=settings,
            scoring=scoring,
            kinds=_kinds(arguments, arguments.also),
            workers=arguments.workers,
            progress=bar.update,
        )
    verified = None
    if arguments.verify_wav:
        others = _load(arguments, arguments.verify_wav, arguments.verify_labels)
        verified = score_material(others, tuned.decoder, settings=scoring)
    checked = {
        kind.name: kind.score(tuned.decoder, scoring)
        for kind in _kinds(arguments, arguments.verify_also)
    }
    report = _report(arguments, tuned, verified, checked)
    target = arguments.model if arguments.in_place else arguments.output_file
    if target:
        _write(arguments.model, target, tuned, report)
    if arguments.det_png:  # after the model is written: hours of work are in it
        _draw(arguments, tuned)
    print(
        json.dumps(report) if arguments.json else _text(arguments, tuned, verified, checked, target)
    )
    if target and tuned.reached and not arguments.json:
        next_step("flash", "--board", "NAME", target, about="stapes boards lists the names")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Mistakes that can be found before the work starts."""
    from stapes.model.metadata import load_model, write_settings
    from stapes.stream.plot import check_plotting

    for wavs, labels in (("wav", "labels"), ("verify_wav", "verify_labels")):
        counts = len(getattr(arguments, wavs)), len(getattr(arguments, labels))
        if counts[0] != counts[1]:
            raise StapesError(
                f"--{labels}: found {counts[1]} for {counts[0]} of --{wavs}, expected one each"
            )
    known = {path.resolve() for path in arguments.wav}
    for wav in arguments.verify_wav:
        if wav.resolve() in known:
            say(f"tune: --verify_wav {wav} is one of --wav: its figures flatter", to=sys.stderr)
    for flag in ("also", "verify_also"):
        _check_kinds(flag, getattr(arguments, flag), per_label=arguments.per_label)
    inputs = arguments.wav + arguments.labels + arguments.verify_wav + arguments.verify_labels
    for kind in arguments.also + arguments.verify_also:
        inputs += [kind.wav] + [kind.labels] * (kind.labels is not None)
    if arguments.det_png:
        check_plotting()
        check_output(arguments.det_png, inputs=[*inputs, arguments.model])
    if arguments.in_place or arguments.output_file:
        write_settings(*load_model(arguments.model), source=str(arguments.model))
        if arguments.det_png:
            inputs.append(arguments.det_png)
        check_output(arguments.output_file or arguments.model, inputs=inputs)


@dataclasses.dataclass(frozen=True, kw_only=True)
class _KindFlag:
    """What one --also says."""

    name: str
    fa_per_hour: float
    wav: Path
    labels: Path | None


def _kind(text: str) -> _KindFlag:
    """An argparse type: NAME,RATE,WAV[,LABELS]."""
    parts = text.split(",")
    try:
        name, rate, wav, *labels = parts
        found = _KindFlag(
            name=name.strip(),
            fa_per_hour=float(rate),
            wav=Path(wav),
            labels=Path(*labels) if labels else None,
        )
    except (ValueError, TypeError):
        found = None
    if not (found and found.name and len(parts) <= 4 and 0 < found.fa_per_hour <= 10000):
        raise argparse.ArgumentTypeError(
            f"found {text!r}, expected NAME,RATE,WAV or NAME,RATE,WAV,LABELS with a rate above 0, "
            "such as talk,2,radio.wav"
        )
    return found


def _check_kinds(flag: str, kinds: Sequence[_KindFlag], *, per_label: bool) -> None:
    names = [kind.name for kind in kinds]
    for name in names:
        if names.count(name) > 1:
            raise StapesError(f"--{flag}: found {name!r} {names.count(name)} times, expected names "
                              "that differ")  # fmt: skip
    if names and per_label:
        raise StapesError(
            f"--{flag}: raises one threshold for all labels, expected no --per_label beside it"
        )


def _kinds(arguments: argparse.Namespace, flags: Sequence[_KindFlag]) -> list[Kind]:
    from stapes.stream.curve import Material
    from stapes.stream.tune import Kind

    kinds = []
    for flag in flags:
        if flag.labels:
            material = _load(arguments, [flag.wav], [flag.labels])
        else:
            track = _track(arguments, flag.wav)
            material = [Material(track=track, ground_truth=[])]
        kinds.append(Kind(name=flag.name, material=material, fa_per_hour=flag.fa_per_hour))
    return kinds


def _track(arguments: argparse.Namespace, wav: Path) -> ScoreTrack:
    """The model's scores over `wav`. With --gate they are those without any gate: the new gate is
    chosen from them."""
    from stapes.stream.score_track import load_track

    return load_track(
        arguments.model, wav, workers=arguments.workers, behind_gate=not arguments.gate
    )


def _load(
    arguments: argparse.Namespace, wavs: Sequence[Path], labels: Sequence[Path]
) -> list[Material]:
    from stapes.audio.wav import map_wav
    from stapes.model.metadata import read_settings
    from stapes.stream.curve import Material
    from stapes.stream.labels import check_labels, check_within, read_truth

    truths = [read_truth(path) for path in labels]
    known = read_settings(arguments.model).labels
    for wav, path, truth in zip(wavs, labels, truths, strict=True):
        samples, rate = map_wav(wav)
        check_within(truth, len(samples) * 1000 / rate, path=path, audio=wav)
        check_labels(truth, known, path=path)
    return [
        Material(track=_track(arguments, wav), ground_truth=truth)
        for wav, truth in zip(wavs, truths, strict=True)
    ]


def _recordings(arguments: argparse.Namespace, prefix: str) -> list[Recording]:
    """The audio of all kinds with its samples, scored without a gate. `prefix` is "" for the audio
    to tune on, or "verify_"."""
    from stapes.audio.wav import map_wav
    from stapes.stream.gate_tuning import Recording

    wavs, labels, kinds = (getattr(arguments, prefix + n) for n in ("wav", "labels", "also"))
    material = _load(arguments, wavs, labels)
    material += [piece for kind in _kinds(arguments, kinds) for piece in kind.material]
    paths = [*wavs, *(kind.wav for kind in kinds)]
    return [
        Recording(samples=map_wav(path)[0], material=piece)
        for path, piece in zip(paths, material, strict=True)
    ]


def _report(
    arguments: argparse.Namespace,
    tuned: Tuned,
    verified: StreamScore | None,
    checked: dict[str, StreamScore],
) -> dict[str, Any]:
    return {
        "fa_per_hour": arguments.fa_per_hour,
        "margin_percent": arguments.margin_percent,
        "lowest": arguments.lowest,
        "reached": tuned.reached,
        "decoder": dataclasses.asdict(tuned.decoder),
        "tuned_on": _measured(arguments.wav, tuned.score),
        "verified_on": verified and _measured(arguments.verify_wav, verified),
        "also": _measured_kinds(arguments.also, tuned.kinds),
        "verified_also": _measured_kinds(arguments.verify_also, checked),
        "det": [point.to_dict() for point in next(iter(tuned.curves.values()))],
    }


def _measured(wavs: Sequence[Path], score: StreamScore) -> dict[str, Any]:
    return {"wav": [path.name for path in wavs], **score.figures()}


def _measured_kinds(
    flags: Sequence[_KindFlag], scores: dict[str, StreamScore]
) -> dict[str, dict[str, Any]]:
    return {
        flag.name: {"limit": flag.fa_per_hour, **_measured([flag.wav], scores[flag.name])}
        for flag in flags
    }


def _draw(arguments: argparse.Namespace, tuned: Tuned) -> None:
    from stapes.stream.plot import draw_curves

    best = next(iter(tuned.curves))
    draw_curves(
        arguments.det_png,
        tuned.curves,
        title=f"{arguments.model.name}: {tuned.score.words} words in {tuned.score.hours:.2f} h",
        chosen={best: tuned.point},
    )


def _write(source: Path, target: Path, tuned: Tuned, report: dict[str, Any]) -> None:
    """The model with its new decoder, and how it was chosen, at `target`."""
    from stapes.model.metadata import load_model, write_settings

    model, settings = load_model(source)
    names = ("fa_per_hour", "margin_percent", "lowest", "reached", "tuned_on", "verified_on")
    kept = {name: report[name] for name in names}
    for name in ("also", "verified_also"):
        kept[name] = {kind: _in_short(figures) for kind, figures in report[name].items()}
    settings = dataclasses.replace(
        settings,
        decoder=tuned.decoder,
        provenance={**settings.provenance, "decoder_tuning": kept},
    )
    write_bytes(target, write_settings(model, settings, source=str(source)))


def _in_short(figures: dict[str, Any]) -> dict[str, Any]:
    """The few figures that a model keeps about one kind of audio: each byte goes into the board's
    flash."""
    return {name: figures[name] for name in _KEPT_OF_KINDS}


def _text(
    arguments: argparse.Namespace,
    tuned: Tuned,
    verified: StreamScore | None,
    checked: dict[str, StreamScore],
    target: Path | None,
) -> str:
    lines = ["decoder"]
    lines += [f"  {name:<28}{value}" for name, value in dataclasses.asdict(tuned.decoder).items()]
    lines += ["", _row("tuned on", tuned.score)]
    lines += [_row(f"  {name}", score) for name, score in tuned.kinds.items()]
    if verified:
        lines.append(_row("verified on", verified))
    lines += [_row(f"  {name}", score) for name, score in checked.items()]
    if not tuned.reached:
        say(
            "tune: no threshold that still finds a word keeps "
            f"{arguments.fa_per_hour:g} false accepts per hour"
            f"{' and the limits of all kinds' if tuned.kinds else ''}; these settings come "
            "closest. Look at the ground truth, or train a better model",
            to=sys.stderr,
        )
    for score in filter(None, (tuned.score, verified)):
        if score.few_recordings:
            say(f"tune: {score.few_recordings}", to=sys.stderr)
    _warn_of_short("", tuned.score, arguments.fa_per_hour)
    for kind in arguments.also:
        _warn_of_short(f"{kind.name}: ", tuned.kinds[kind.name], kind.fa_per_hour)
    if target:
        lines.append(f"{target}: written")
    return "\n".join(lines)


def _warn_of_short(prefix: str, score: StreamScore, rate: float) -> None:
    if score.hours * rate < RULE_OF_THREE:
        say(f"tune: {prefix}{_too_short(score, rate)}", to=sys.stderr)


def _too_short(score: StreamScore, rate: float) -> str:
    """What so few hours can say about a target: no false accept in T hours means a rate of at most
    3 / T."""
    if rate < 1e-3:
        bounds = ", ".join(f"{RULE_OF_THREE / bound:g} h below {bound:g}" for bound in (1, 0.1))
        return (
            f"no audio is long enough to show a rate of {rate:g}; {score.hours:.2f} h without a "
            f"false accept show one below {RULE_OF_THREE / score.hours:.2f} per hour ({bounds})"
        )
    return (
        f"{score.hours:.2f} h cannot tell {rate:g} false accepts per hour from none; "
        f"{RULE_OF_THREE / rate:.3g} h or more would"
    )


def _row(name: str, score: StreamScore) -> str:
    low, high = score.false_accepts_per_hour_interval
    accepts = f"{score.false_accepts_per_hour:.2f} false accepts per hour ({low:.2f} to {high:.2f})"
    if not score.words:
        return f"{name:<12} no words in {score.hours:.2f} h: {accepts}"
    rejects = [100 * bound for bound in score.false_reject_rate_interval]
    return (
        f"{name:<12} {score.words} words{score.origin} in {score.hours:.2f} h: "
        f"{100 * score.false_reject_rate:.1f}% false rejects "
        f"({rejects[0]:.1f} to {rejects[1]:.1f}), {accepts}"
    )
