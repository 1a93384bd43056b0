# SPDX-License-Identifier: Apache-2.0
"""`stapes tune --gate`: choose a silence gate for a model, measure it, write it into the model."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stapes.cli.flags import from_flags
from stapes.cli.next_step import next_step
from stapes.device.bundle import ModelBundle
from stapes.errors import StapesError
from stapes.files import write_bytes
from stapes.stream.accuracy import ScoreSettings
from stapes.stream.gate_tuning import (
    GateScore,
    GateTuneSettings,
    Recording,
    base_gate,
    check_as_if_always_run,
    is_affordable,
    score_gate,
    tune_gate,
)

Load = Callable[[argparse.Namespace, str], list[Recording]]


def run(arguments: argparse.Namespace, *, load: Load) -> int:
    """Chooses, measures, writes and prints; the decoder of the model stays as it is. `load` gives
    the audio to tune on ("") and to verify with ("verify_")."""
    from stapes.progress import ProgressBar

    bundle = ModelBundle.from_file(arguments.model)
    start = base_gate(bundle)
    settings = from_flags(GateTuneSettings, arguments)
    scoring = from_flags(
        ScoreSettings, arguments, clip_duration_ms=bundle.settings.clip_duration_ms
    )
    decoder = bundle.settings.decoder
    recordings = load(arguments, "")
    with ProgressBar("tuning the gate, gates", len(settings.gates(start))) as bar:
        tuned = tune_gate(
            recordings,
            decoder,
            start=start,
            settings=settings,
            scoring=scoring,
            workers=arguments.workers,
            progress=bar.update,
        )
    check_as_if_always_run(bundle, tuned.gate, recordings)
    verified = None
    if others := load(arguments, "verify_"):
        verified = score_gate(others, tuned.gate, decoder, scoring=scoring)
    report = _report(tuned, verified)
    target = arguments.model if arguments.in_place else arguments.output_file
    if verified and not is_affordable(verified, settings):
        raise StapesError(
            f"the silence gate: on the audio to verify with, found {verified.lost_percent:.2f}% of "
            f"the words lost, or more false accepts; expected {settings.gate_loss_percent:g}% of "
            "the words at most, and no more false accepts; nothing is written; tune on more audio"
        )
    if target:
        _write(bundle, target, report)
    print(json.dumps(report) if arguments.json else _text(tuned, verified))
    if target and not arguments.json:
        print(f"{target}: written")
        next_step("flash", "--board", "NAME", target, about="stapes boards lists the names")
    return 0


def _report(tuned: GateScore, verified: GateScore | None) -> dict[str, Any]:
    return {
        "gate": dataclasses.asdict(tuned.gate),
        "tuned_on": tuned.figures(),
        "verified_on": verified and verified.figures(),
    }


def _write(bundle: ModelBundle, target: Path, report: dict[str, Any]) -> None:
    """The model with its gate, and how it was chosen, at `target`."""
    from stapes.model.metadata import write_settings
    from stapes.model.settings import GateSettings

    measured = {name: report[name] for name in ("tuned_on", "verified_on")}
    settings = dataclasses.replace(
        bundle.settings,
        gate=GateSettings(**report["gate"]),
        provenance={**bundle.settings.provenance, "gate_tuning": measured},
    )
    write_bytes(target, write_settings(bundle.model, settings))


def _text(tuned: GateScore, verified: GateScore | None) -> str:
    lines = ["silence gate"]
    lines += [f"  {name:<28}{value}" for name, value in dataclasses.asdict(tuned.gate).items()]
    lines += ["", _row("tuned on", tuned)]
    if verified:
        lines.append(_row("verified on", verified))
    return "\n".join(lines)


def _row(name: str, score: GateScore) -> str:
    before, after = score.without, score.behind
    return (
        f"{name:<12} {before.words} words in {before.hours:.2f} h: the network runs in "
        f"{100 * score.duty:.1f}% of the frames ({score.openings} openings), "
        f"{before.correct - after.correct} words lost ({score.lost_percent:.2f}%), "
        f"{before.false_accepts} false accepts without, {after.false_accepts} behind it"
    )
