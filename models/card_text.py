# SPDX-License-Identifier: Apache-2.0
"""A card as text: what card.py has measured of a shipped model, in Markdown."""

from __future__ import annotations

import shlex
from typing import Any

ATTRIBUTION_OWED = "All were trained on Speech Commands. If you ship one, you must name its author."
RATES = (0.5, 2, 10)  # false accepts per hour
# Above these limits, a card advises against a use.
MOST_FA_PER_HOUR, MOST_LOST, MOST_POINTS_LOST = 2.0, 0.2, 5.0


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
            "Each folder has a model, the recipe that makes it again with one command, and a card",
            "with all measurements. `card.py` writes this page and the cards.",
            "[The lab log](../docs/lab.md) says what else was tried.",
            "",
            "| model | labels | bytes | int8 accuracy, clips | false rejects at "
            f"{RATES[0]:g} FA/h | at {RATES[-1]:g} FA/h | MACs per frame | "
            "instructions per frame, Cortex-M4 | "
            "instructions per second of audio, whole firmware | RAM, whole firmware |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            "A frame comes every 20 ms. The cards describe the streams, and say how exact the",
            "figures are. " + ATTRIBUTION_OWED,
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
        f"Data: {card['data']}. If you ship this model, you must name these sources.",
        "",
        f"Made by `{card['recipe']}` (seed {card['seed']}). Its last training command is",
        "",
        f"    {shlex.join(shlex.split(card['command']))}",
        "",
        "## Single clips",
        "",
        "| what | accuracy | clips |",
        "|---|---|---|",
        f"| float, clips in the mixture of the training | {100 * clips['float_accuracy']:.2f}% | "
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
        *condition_lines(card),
        "## Streaming",
        "",
        f"{stream['about']} {stream['hours']:.2f} h, {stream['words']} wanted words, with the "
        "decoder settings of the model:",
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
            "| time from the end of the word to its detection | "
            f"{latency['median']:.0f} ms (median), {latency['percentile_90']:.0f} ms (90%) | |"
        )
    lines += [
        "",
        interval_line(stream),
        "",
        "At other thresholds, with the same audio. (They were chosen afterwards, so the figures "
        "are a little too good.)",
        "",
        "| false accepts per hour, at most | false rejects |",
        "|---|---|",
        *(f"| {rate:g} | {rejects_at(stream, rate)} |" for rate in RATES),
        "",
        "![detection error trade-off](det.png)",
        "",
        *kind_lines(card),
        *advice_lines(card),
        "## Cost",
        "",
        f"{card['macs_per_frame']:,} multiply-accumulates for each frame, "
        f"{card['frames_per_second']:g} frames per second; {card['arena_bytes']:,} bytes of arena.",
        f"The whole firmware on {pipeline['board']} takes {pipeline['flash_bytes']:,} bytes of "
        f"flash and {pipeline['ram_bytes']:,} of RAM (with the stack), and executes "
        f"{pipeline['instructions_per_second']:,} instructions for a second of audio.",
        "",
        "| core | instructions per frame, network alone |",
        "|---|---|",
        *(f"| {core} | {count:,} |" for core, count in card["instructions_per_frame"].items()),
        "",
    ]
    return "\n".join(lines)


def interval_line(stream: dict[str, Any]) -> str:
    if stream.get("recordings"):
        return (
            f"The words are {stream['recordings']} recordings of {stream['speakers']} speakers, "
            "drawn more than once. The interval of false rejects is over speakers."
        )
    return (
        "A clip can be in a stream more than once. The intervals treat each use as a different "
        "clip. So they are too narrow if there are few clips."
    )


def condition_lines(card: dict[str, Any]) -> list[str]:
    """The clips of the tutorial's mixture, as they sound in a room."""
    if not card.get("conditions"):
        return []
    rows = [
        f"| {name} | {100 * share:.1f}% | {100 * low:.1f} to {100 * high:.1f}% |"
        for name, (share, low, high) in card["conditions"].items()
    ]
    return [
        "The same clips with noise of a room (ratio of powers over the clip), and softer:",
        "",
        "| condition | accuracy | 95% interval |",
        "|---|---|---|",
        *rows,
        "",
    ]


def kind_lines(card: dict[str, Any]) -> list[str]:
    """Each kind of audio by itself, with the decoder settings of the model."""
    if not card.get("kinds"):
        return []
    return [
        "## By kind of audio",
        "",
        card["about_kinds"],
        "",
        "| kind | hours | words | lost | 95% interval | false accepts per hour | 95% interval |",
        "|---|---|---|---|---|---|---|",
        *(kind_row(name, found) for name, found in card["kinds"].items()),
        "",
    ]


def kind_row(name: str, found: dict[str, Any]) -> str:
    low, high = found["false_accepts_per_hour_95"]
    lost, bounds = "-", "-"
    if found["words"]:
        lost = f"{100 * found['false_reject_rate']:.1f}%"
        bounds = "{:.1f} to {:.1f}%".format(*(100 * b for b in found["false_reject_rate_95"]))
    return (
        f"| {name} | {found['duration_ms'] / 3_600_000:.2f} | {found['words'] or '-'} | {lost} | "
        f"{bounds} | {found['false_accepts_per_hour']:.1f} | {low:.1f} to {high:.1f} |"
    )


def advice_lines(card: dict[str, Any]) -> list[str]:
    """The uses that the figures advise against."""
    advice = [
        f"* Listening to {name} for hours: about {found['false_accepts_per_hour']:.0f} false "
        "accepts an hour."
        for name, found in card.get("kinds", {}).items()
        if not found["words"] and found["false_accepts_per_hour"] > MOST_FA_PER_HOUR
    ]
    advice += [
        f"* Hearing {name}: {100 * found['false_reject_rate']:.0f} of a hundred are lost."
        for name, found in card.get("kinds", {}).items()
        if found["words"] and found["false_reject_rate"] > MOST_LOST
    ]
    figures = card.get("conditions") or {}
    clean = next(iter(figures.values()), [0])[0]
    for name, (share, *_) in figures.items():
        if 100 * (clean - share) > MOST_POINTS_LOST:
            advice.append(
                f'* Words as in "{name}": {100 * (1 - share):.0f} of a hundred clips are taken '
                "for something else."
            )
    return ["## What this model is not good for", "", *advice, ""] if advice else []
