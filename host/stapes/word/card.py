# SPDX-License-Identifier: Apache-2.0
"""What is known of a finished model, and what is not: its card, as JSON and as Markdown."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stapes.audio.reader import audio_files, read_audio
from stapes.evaluation.intervals import RULE_OF_THREE
from stapes.model.metadata import load_model
from stapes.model.settings import ModelSettings
from stapes.stream.accuracy import ScoreSettings
from stapes.stream.curve import Material, at_threshold, curve_thresholds, score_material
from stapes.stream.labels import LabelTime, read_truth
from stapes.stream.score_track import compute_scores, load_track
from stapes.word.plan import Job
from stapes.word.steps import kept_noise, takes

RATES = (0.5, 1.0, 2.0)  # false accepts per hour of talk
FEW_PEOPLE = 10
_QUIET_SECONDS, _QUIET_DB = 1.0, -72.0


def measure(job: Job, *, warnings: Sequence[str], seconds: float, voices: Sequence[str]) -> dict:
    """The card as JSON-ready values; the model is that of `job.output`."""
    content, settings = load_model(job.output)
    talk, noise = (
        Material(track=load_track(job.output, job.work_dir / f"test_{name}.wav"), ground_truth=[])
        for name in ("talk", "noise")
    )
    kinds = {
        "synthetic voices": Material(
            track=load_track(job.output, job.work_dir / "test.wav"),
            ground_truth=read_truth(job.work_dir / "test.txt"),
        )
    }
    if paths := audio_files(job.work_dir / "recordings", "*/*"):
        people = recorded(paths, content, settings, source=str(job.output))
        kinds["recordings of people"] = people
    return {
        "words": list(job.words),
        "model_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "clip_duration_ms": job.clip_duration_ms,
        "threshold": settings.decoder.detection_threshold,
        "warnings": list(warnings),
        "training_seconds": round(seconds),
        "tested_with_voices": list(voices),
        "near_misses": list(job.near),
        "recordings": _recordings(job),
        "speech_of_people": job.has_speech,
        "talk": _as_tuned(talk, settings),
        "synthetic_sounds": _as_tuned(noise, settings),
        "other_sounds": _other_sounds(job, content, settings),
        "words_by": {name: _as_tuned(piece, settings) for name, piece in kinds.items()},
        "at_rates": _at_rates(kinds, talk, settings),
    }


def _recordings(job: Job) -> dict[str, Any]:
    """How many recordings of people were put aside for the test, how many were used in training,
    and whether all of them name their speaker."""
    found = takes(job.recordings, job.words)
    tested = [take for take in found if not take.is_for_training]
    return {
        "tested": len(tested),
        "trained": len(found) - len(tested),
        "speakers_named": all(take.is_named for take in found),
    }


def recorded(
    paths: Sequence[Path], content: bytes, settings: ModelSettings, *, source: str
) -> Material:
    """Recordings WORD/*.wav of people, each after a second of quiet."""
    rate = settings.front_end.sample_rate
    random = np.random.default_rng(0)
    quiet = 32768 * 10 ** (_QUIET_DB / 20) * random.standard_normal(int(rate * _QUIET_SECONDS))
    parts, truth, count = [], [], 0
    for path in paths:
        sound = read_audio(path, sample_rate=rate)
        parts += [quiet.astype(np.int16), sound]
        truth.append(
            LabelTime(
                label=path.parent.name,
                time_ms=(count + len(quiet)) * 1000 / rate,
                end_ms=(count + len(quiet) + len(sound)) * 1000 / rate,
                clip=path.name,
            )
        )
        count += len(quiet) + len(sound)
    samples = np.concatenate([*parts, quiet.astype(np.int16)])
    track = compute_scores(content, settings, samples, source=source)
    return Material(track=track, ground_truth=truth)


def _other_sounds(job: Job, content: bytes, settings: ModelSettings) -> dict[str, Any] | None:
    """False accepts in sounds without speech that training did not use; None if there are none."""
    samples = kept_noise(job)
    if not len(samples):
        return None
    track = compute_scores(content, settings, samples, source=str(job.output))
    return _as_tuned(Material(track=track, ground_truth=[]), settings)


def scoring(piece: Material, settings: ModelSettings) -> ScoreSettings:
    """The settings to score a piece: a detection counts within its word's clip, which may be longer
    than a clip of training."""
    longest = max(
        (word.end_ms - word.time_ms for word in piece.ground_truth if word.end_ms), default=0.0
    )
    return ScoreSettings(clip_duration_ms=max(longest, settings.clip_duration_ms))


def _as_tuned(piece: Material, settings: ModelSettings) -> dict[str, Any]:
    score = score_material([piece], settings.decoder, settings=scoring(piece, settings))
    return {"hours": round(score.hours, 4), **score.figures()}


def _at_rates(
    kinds: dict[str, Material], talk: Material, settings: ModelSettings
) -> dict[str, dict[str, Any]]:
    """What is lost at the lowest threshold that keeps each rate of false accepts in talk."""
    found: dict[str, dict[str, Any]] = {}
    for threshold in curve_thresholds():
        decoder = at_threshold(settings.decoder, threshold)
        heard = score_material([talk], decoder, settings=scoring(talk, settings))
        reached = [rate for rate in RATES if heard.false_accepts_per_hour <= rate]
        for rate in reached:
            if f"{rate:g}" in found:
                continue
            scores = {
                name: score_material([piece], decoder, settings=scoring(piece, settings))
                for name, piece in kinds.items()
            }
            found[f"{rate:g}"] = {
                "threshold": threshold,
                **{
                    name: [score.false_reject_rate, *score.false_reject_rate_interval]
                    for name, score in scores.items()
                },
            }
    return found


def to_markdown(card: dict, *, output: Path) -> str:
    """The card for people: what it was tested with comes before the figures."""
    words = " and ".join(f"`{word}`" for word in card["words"])
    lines = [
        f"# {words}",
        "",
        f"{card['model_bytes']:,} bytes, threshold {card['threshold']:.3f}. Made by `stapes word` "
        f"in {card['training_seconds'] / 60:.0f} minutes.",
        "",
        *[f"* {warning}" for warning in card["warnings"]],
        *[""] * bool(card["warnings"]),
        "## What it was tested with",
        "",
        *_tested_with(card),
        "",
        "## Figures, with the model's threshold",
        "",
        "| words said by | words | lost | 95% interval |",
        "|---|---|---|---|",
        *[_lost_row(name, figures) for name, figures in card["words_by"].items()],
        "",
        "Intervals are over speakers. Where no name tells the speaker, they are over recordings.",
        "",
        _accepts_line(card["talk"], "talk"),
        *_about_sounds(card),
        "",
        "## At other thresholds",
        "",
        *_rate_table(card),
        "",
        "They were chosen afterwards with the same audio, so these figures are a little too good.",
        "",
        "## Use it",
        "",
        f"    stapes flash --board nrf52840dk {output.name}",
        "",
    ]
    return "\n".join(lines)


def _tested_with(card: dict) -> list[str]:
    voices = ", ".join(dict.fromkeys(_shown(voice) for voice in card["tested_with_voices"]))
    lines = [f"* Synthetic voices that were not trained with: {voices}."]
    lines += _about_people(card)
    speech = "synthetic voices and people" if card["speech_of_people"] else "synthetic voices alone"
    hours = card["talk"]["hours"]
    lines.append(f"* {hours:.2f} hours of talk without the word, by {speech}.")
    if hours < RULE_OF_THREE / min(RATES):
        lines.append(
            f"* So short a test cannot tell rates below {RULE_OF_THREE / max(hours, 1e-9):.1f} "
            "false accepts an hour from none."
        )
    hours = card["synthetic_sounds"]["hours"]
    lines.append(
        f"* {hours:.2f} hours of synthetic sounds, such as music, barks and dishes. They were made "
        "by `stapes data noise`, as those of training, with another seed. Real sounds differ more."
    )
    if other := card["other_sounds"]:
        lines.append(
            f"* {other['hours']:.2f} hours of recorded sounds without speech that were not "
            "trained with."
        )
    else:
        lines.append(
            "* No recorded sounds. What it does at real music, in a kitchen or in a street is not "
            "known. Pass ten recordings of such sounds or more by `--sounds`: some are kept for "
            "the test."
        )
    return lines


def _about_people(card: dict) -> list[str]:
    recordings, figures = card["recordings"], card["words_by"].get("recordings of people")
    if figures is None and recordings["trained"]:
        return [
            f"* All {recordings['trained']} recordings of people were trained with, as their few "
            "speakers fell to that part. How well it hears other people is not known: give "
            "recordings of more people by `--add_recordings`."
        ]
    if figures is None:
        return [
            "* No recordings of people. How well it hears people is not known: synthetic voices "
            "are easier. Record some, and pass them by `--recordings`."
        ]
    if not recordings["speakers_named"]:
        return [
            f"* {recordings['tested']} recordings of people that were not trained with. Their "
            "names do not tell the speakers (`<speaker>_nohash_<n>`). So how many people they are "
            "is not known, and some of these people may have been trained with: the figures "
            "flatter then."
        ]
    count = figures["speakers"] or 0
    lines = [f"* {figures['words']} recordings of {count} people that were not trained with."]
    if count < FEW_PEOPLE:
        lines.append(
            f"* {count} people are few: what it does with other voices and accents, children "
            "and other rooms cannot be known from them."
        )
    return lines


def _shown(voice: str) -> str:
    engine, _, name = voice.partition(":")
    if engine == "espeak":
        return f"espeak-ng {name.partition('+')[2] or 'plain'}"
    return f"{engine} {Path(name).name}"


def _lost_row(name: str, figures: dict) -> str:
    low, high = figures["false_reject_rate_95"]
    return (
        f"| {name} | {figures['words']} | {100 * figures['false_reject_rate']:.1f}% | "
        f"{100 * low:.1f} to {100 * high:.1f}% |"
    )


def _accepts_line(figures: dict, what: str) -> str:
    low, high = figures["false_accepts_per_hour_95"]
    return (
        f"{figures['false_accepts']} false accepts in {figures['hours']:.2f} hours of {what}: "
        f"{figures['false_accepts_per_hour']:.2f} an hour ({low:.2f} to {high:.2f})."
    )


def _about_sounds(card: dict) -> list[str]:
    lines = ["", _accepts_line(card["synthetic_sounds"], "synthetic sounds")]
    if card["other_sounds"]:
        lines += ["", _accepts_line(card["other_sounds"], "recorded sounds")]
    return lines


def _rate_table(card: dict) -> list[str]:
    kinds = list(card["words_by"])
    rows = [
        "| false accepts per hour of talk, at most | threshold | "
        + " | ".join(f"lost, {name}" for name in kinds)
        + " |",
        "|---|---|" + "---|" * len(kinds),
    ]
    for rate in map("{:g}".format, RATES):
        found = card["at_rates"].get(rate)
        cells = ["not reached"] * len(kinds)
        if found:
            cells = ["{:.1f}% ({:.1f} to {:.1f}%)".format(*(100 * share for share in found[name]))
                     for name in kinds]  # fmt: skip
        threshold = f"{found['threshold']:.3f}" if found else "-"
        rows.append(f"| {rate} | {threshold} | " + " | ".join(cells) + " |")
    return rows
