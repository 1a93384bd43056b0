# SPDX-License-Identifier: Apache-2.0
"""Check a folder of clips before training: DATA_DIR/<word>/*.wav, .flac, .ogg, .opus
or .mp3.

Reports words and partitions, sample rates, durations, clipping, silence, unreadable files, and
equal recordings in several words or partitions. The exit status is 1 if training would refuse
something, or if the tests would be wrong."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.next_step import next_step
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.corpus.check import CorpusReport

EXAMPLE = """  stapes data check --data_dir speech_commands --wanted_words yes,no
  stapes data check --data_dir my_words --sample_rate 16000 --json > report.json"""
_SHOWN = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.corpus.check import CheckSettings

    add = parser.add_argument
    add("--data_dir", type=Path, required=True, help="folder of clips")
    add_flags(parser, CheckSettings)
    add("--all", action="store_true", help=f"name all files, not the first {_SHOWN} of a kind")
    add("--json", action="store_true", help="print one JSON object, with all files")


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.check import CheckSettings, check_corpus
    from stapes.progress import ProgressBar

    settings = from_flags(CheckSettings, arguments)
    bar: ProgressBar | None = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        bar = bar or ProgressBar("clips", total)
        bar.update(done)

    report = check_corpus(arguments.data_dir, settings, progress=show)
    if bar:
        bar.clear()
    if arguments.json:
        say(json.dumps(report.to_dict(), ensure_ascii=False))
    else:
        for line in report_lines(report, shown=10**9 if arguments.all else _SHOWN):
            say(line)
        if not report.errors:
            next_step("train", "--data_dir", arguments.data_dir, "--train_dir", "train", "...")
    return 1 if report.errors else 0


def report_lines(report: CorpusReport, *, shown: int = _SHOWN) -> list[str]:
    """The report as a person reads it; `shown` files of every kind of finding."""
    low, middle, high = report.seconds
    lines = [
        f"{report.folder}: {report.clips} clips of {len(report.words)} words, "
        f"{report.speakers} speakers, {report.hours:.2f} hours, "
        f"{report.background_minutes:.1f} minutes of background, "
        f"{report.speech_minutes:.1f} of running speech",
        f"durations: {low:.2f} to {high:.2f} s, half of them up to {middle:.2f} s",
        "",
        f"{'word':<20}{'clips':>8}{'training':>10}{'validation':>12}{'testing':>9}",
    ]
    for word, row in report.words.items():
        lines.append(
            f"{word:<20}{sum(row.values()):>8}{row['training']:>10}"
            f"{row['validation']:>12}{row['testing']:>9}"
        )
    lines.append("")
    for finding in report.findings:
        lines.append(f"{finding.severity}: {finding.text}")
        lines += [f"    {name}" for name in finding.files[:shown]]
        if len(finding.files) > shown:
            lines.append(f"    and {len(finding.files) - shown} more (--all)")
    if not report.findings:
        lines.append("nothing wrong was found")
    return lines
