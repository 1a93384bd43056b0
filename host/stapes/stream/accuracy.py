# SPDX-License-Identifier: Apache-2.0
"""Scores detections against a ground truth; each spoken word counts at most once.

The figures are those of TensorFlow's test_streaming_accuracy: words matched (something was
detected while they were heard), correct, wrong, and false accepts, in percent of the words of the
ground truth. Where the original is unfair, the rules are different:

* A word pairs with one detection and a detection with one word. In the original, any number of
  detections near a word belong to it; here the surplus detections are false accepts.
* Detections of the right label are paired first, in order of time (which leaves as few as possible
  unpaired); only the detections that are left over can be wrong ones. The original takes the first
  word within reach, whatever its label.
* `_silence_` and `_unknown_` are not words: not in the ground truth (a wanted word detected over an
  unknown word is a false accept), and not among detections. The original counts `_unknown_`.
* The time of a detection is the end of the audio heard, that of a ground truth is the start of a
  clip: they belong together when start <= detection <= start + clip_duration_ms +
  time_tolerance_ms.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from stapes.evaluation.intervals import (
    RULE_OF_THREE,
    binomial_interval,
    cluster_interval,
    poisson_interval,
)
from stapes.model.settings import NOT_WORDS
from stapes.options import check, setting
from stapes.plain import clock
from stapes.stream.labels import LabelTime

MS_PER_HOUR = 3_600_000
FEW_RECORDINGS = 30


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """The defaults are those of TensorFlow's test_streaming_accuracy (C++)."""

    clip_duration_ms: float = setting(1000.0, least=0, most=10**9, help="length of a clip")
    time_tolerance_ms: float = setting(
        750.0, least=0, most=10**9, help="how late a detection may come after its clip"
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A word of the ground truth, and what was detected for it."""

    spoken: LabelTime
    detected: LabelTime

    @property
    def latency_ms(self) -> float | None:
        """From the end of the word to its detection; None where the end is not known."""
        end_ms = self.spoken.end_ms
        return None if end_ms is None else self.detected.time_ms - end_ms

    def to_dict(self) -> dict:
        return {"spoken": self.spoken.to_dict(), "detected": self.detected.to_dict()}


@dataclass(frozen=True, kw_only=True)
class StreamScore:
    """The fate of every word and every detection: correct, wrong, missed, or a false accept."""

    duration_ms: float
    correct_words: list[Pair] = field(default_factory=list)
    wrong_words: list[Pair] = field(default_factory=list)
    missed_words: list[LabelTime] = field(default_factory=list)
    false_accept_detections: list[LabelTime] = field(default_factory=list)

    def __add__(self, other: StreamScore) -> StreamScore:
        """Two streams as one."""
        return StreamScore(
            duration_ms=self.duration_ms + other.duration_ms,
            correct_words=self.correct_words + other.correct_words,
            wrong_words=self.wrong_words + other.wrong_words,
            missed_words=self.missed_words + other.missed_words,
            false_accept_detections=self.false_accept_detections + other.false_accept_detections,
        )

    @property
    def correct(self) -> int:
        return len(self.correct_words)

    @property
    def wrong(self) -> int:
        return len(self.wrong_words)

    @property
    def missed(self) -> int:
        return len(self.missed_words)

    @property
    def false_accepts(self) -> int:
        return len(self.false_accept_detections)

    @property
    def matched(self) -> int:
        return self.correct + self.wrong

    @property
    def words(self) -> int:
        return self.matched + self.missed

    @property
    def hours(self) -> float:
        return self.duration_ms / MS_PER_HOUR

    @property
    def false_accepts_per_hour(self) -> float:
        return self.false_accepts / self.hours if self.hours else 0.0

    @property
    def false_accepts_per_hour_interval(self) -> tuple[float, float]:
        """95% bounds of the rate: exact, of a Poisson process."""
        low, high = poisson_interval(self.false_accepts)
        return (low / self.hours, high / self.hours) if self.hours else (0.0, math.inf)

    @property
    def false_reject_rate(self) -> float:
        """Share of the words that were missed or taken for another word; 0 without words."""
        return (self.words - self.correct) / self.words if self.words else 0.0

    @property
    def false_reject_rate_interval(self) -> tuple[float, float]:
        """95% bounds of the rate. If all words name their speaker or clip, the bounds are over
        these, because a stream draws them more than once; otherwise each word counts as another
        recording."""
        spoken = self._spoken()
        sources = [word.source for word, _ in spoken if word.source is not None]
        if not spoken or len(sources) < len(spoken):
            return binomial_interval(self.words - self.correct, self.words)
        return cluster_interval([lost for _, lost in spoken], sources)

    @property
    def recordings(self) -> int | None:
        """How many different clips the words are; None if some words do not name their clip."""
        clips = {word.clip for word, _ in self._spoken()}
        return None if None in clips else len(clips)

    @property
    def speakers(self) -> int | None:
        """How many speakers say the words, if clips' names tell it; otherwise like `recordings`."""
        sources = {word.source for word, _ in self._spoken()}
        return None if None in sources else len(sources)

    def _spoken(self) -> list[tuple[LabelTime, bool]]:
        """Every word, and whether it was lost."""
        found = [(pair.spoken, False) for pair in self.correct_words]
        found += [(pair.spoken, True) for pair in self.wrong_words]
        return found + [(word, True) for word in self.missed_words]

    def percent(self, count: int) -> float:
        """`count` in percent of the words of the ground truth; 0 when there are none."""
        return 100.0 * count / self.words if self.words else 0.0

    def latency(self) -> dict | None:
        """Milliseconds from the end of a word to its detection: `count`, `median`, `percentile_90`,
        `longest`; None where no end is known. Negative: detected before the end."""
        known = [pair.latency_ms for pair in self.correct_words if pair.latency_ms is not None]
        if not known:
            return None
        return {
            "count": len(known),
            "median": float(np.median(known)),
            "percentile_90": float(np.percentile(known, 90)),
            "longest": float(max(known)),
        }

    def by_label(self) -> dict[str, StreamScore]:
        """The score of each label: its words and its false accepts."""
        labels = {entry.label for entry in (*self.missed_words, *self.false_accept_detections)}
        labels |= {pair.spoken.label for pair in (*self.correct_words, *self.wrong_words)}
        return {
            label: StreamScore(
                duration_ms=self.duration_ms,
                correct_words=[p for p in self.correct_words if p.spoken.label == label],
                wrong_words=[p for p in self.wrong_words if p.spoken.label == label],
                missed_words=[e for e in self.missed_words if e.label == label],
                false_accept_detections=[
                    e for e in self.false_accept_detections if e.label == label
                ],
            )
            for label in sorted(labels)
        }

    def figures(self) -> dict:
        """All counts and rates as JSON-ready values."""
        low, high = self.false_accepts_per_hour_interval
        return {
            "words": self.words,
            "recordings": self.recordings,
            "speakers": self.speakers,
            "matched": self.matched,
            "correct": self.correct,
            "wrong": self.wrong,
            "missed": self.missed,
            "false_accepts": self.false_accepts,
            "duration_ms": self.duration_ms,
            "matched_percent": self.percent(self.matched),
            "correct_percent": self.percent(self.correct),
            "wrong_percent": self.percent(self.wrong),
            "false_positive_percent": self.percent(self.false_accepts),
            "false_accepts_per_hour": self.false_accepts_per_hour,
            "false_accepts_per_hour_95": [low, None if math.isinf(high) else high],
            "false_reject_rate": self.false_reject_rate,
            "false_reject_rate_95": list(self.false_reject_rate_interval),
            "latency_ms": self.latency(),
        }

    def to_dict(self) -> dict:
        """All figures, also for each label, and every miss, wrong word and false accept."""
        return {
            **self.figures(),
            "labels": {label: score.figures() for label, score in self.by_label().items()},
            "wrong_words": [pair.to_dict() for pair in self.wrong_words],
            "missed_words": [word.to_dict() for word in self.missed_words],
            "false_accept_detections": [entry.to_dict() for entry in self.false_accept_detections],
        }

    def to_text(self, *, most: int | None = None) -> str:
        """The tutorial's line, then rates, each label, then the wrong words, misses and false
        accepts: all, or the first `most` of each."""
        return "\n".join([*self._summary(), *self._label_table(), *self._events(most)]) + "\n"

    def _summary(self) -> list[str]:
        shares = [self.percent(n) for n in (self.matched, self.correct, self.wrong)]
        low, high = self.false_accepts_per_hour_interval
        rejects = [100 * rate for rate in self.false_reject_rate_interval]
        lines = [
            "{:.1f}% matched, {:.1f}% correctly, {:.1f}% wrongly, ".format(*shares)
            + f"{self.percent(self.false_accepts):.1f}% false positives",
            f"{self.words} words{self.origin}: {self.correct} correct, {self.wrong} wrong, "
            f"{self.missed} missed",
            f"false rejects: {100 * self.false_reject_rate:.1f}% of the words "
            f"(95% interval: {rejects[0]:.1f} to {rejects[1]:.1f})",
            f"{self.false_accepts} false accepts in {self.duration_ms / 1000:.1f} s "
            f"({self.false_accepts_per_hour:.2f} per hour; 95% interval: {low:.2f} to {high:.2f})",
        ]
        if latency := self.latency():
            lines.append(
                "detected {median:.0f} ms after the end of a word (median); 90% within "
                "{percentile_90:.0f} ms, all within {longest:.0f} ms".format(**latency)
            )
        return lines + [f"Note: {doubt}" for doubt in self.doubts]

    @property
    def doubts(self) -> list[str]:
        """What so few recordings and so little audio cannot show, a sentence each."""
        found = [self.few_recordings] * bool(self.few_recordings)
        if not self.false_accepts and 0 < self.hours < RULE_OF_THREE:
            found.append(
                f"{self.hours:.2f} h without a false accept show a rate below "
                f"{RULE_OF_THREE / self.hours:.1f} per hour, not none"
            )
        return found

    @property
    def few_recordings(self) -> str:
        """What so few recordings cannot show; "" if they are enough, or an unknown number."""
        if not self.recordings or self.recordings >= FEW_RECORDINGS:
            return ""
        return (
            f"{self.recordings} recordings are few, expected {FEW_RECORDINGS} or more: the words "
            "of other speakers can be lost far more often"
        )

    @property
    def origin(self) -> str:
        """Such as " from 90 recordings of 40 speakers"; "" if the number is unknown."""
        if not self.recordings:
            return ""
        speakers = "" if self.speakers == self.recordings else f" of {self.speakers} speakers"
        return f" from {self.recordings} recordings{speakers}"

    def _label_table(self) -> list[str]:
        rows = self.by_label()
        if len(rows) < 2:
            return []
        width = max(5, *map(len, rows))
        columns = ("words", "correct", "wrong", "missed", "FRR %", "false acc.", "FA/h")
        lines = ["", f"{'label':<{width}}" + "".join(f"{name:>11}" for name in columns)]
        for label, score in rows.items():
            counts = (score.words, score.correct, score.wrong, score.missed)
            cells = [str(count) for count in counts]
            cells += [f"{100 * score.false_reject_rate:.1f}" if score.words else "-"]
            cells += [str(score.false_accepts), f"{score.false_accepts_per_hour:.2f}"]
            lines.append(f"{label:<{width}}" + "".join(f"{cell:>11}" for cell in cells))
        return [*lines, ""]

    def _events(self, most: int | None) -> list[str]:
        wrong = [
            f"{clock(pair.spoken.time_ms)} {pair.spoken.label}: "
            f"{pair.detected.label} at {clock(pair.detected.time_ms)}"
            for pair in self.wrong_words
        ]
        missed = [f"{clock(word.time_ms)} {word.label}" for word in self.missed_words]
        accepted = [
            f"{clock(entry.time_ms)} {entry.label}"
            + ("" if entry.score is None else f" ({entry.score:.3f})")
            for entry in self.false_accept_detections
        ]
        lines = []
        for kind, texts in (("wrong", wrong), ("missed", missed), ("false accept", accepted)):
            shown = texts[:most]
            lines += [f"{kind:<12}  {text}" for text in shown]
            if len(shown) < len(texts):
                lines.append(f"{kind:<12}  and {len(texts) - len(shown)} more (--all)")
        return lines


def score_stream(
    ground_truth: Sequence[LabelTime],
    detections: Sequence[LabelTime],
    *,
    settings: ScoreSettings,
    duration_ms: float | None = None,
) -> StreamScore:
    """Pairs detections with the words of the ground truth.

    Args:
        ground_truth: labels at the starts of their clips.
        detections: labels at the ends of the audio that was heard.
        settings: how far apart a word and its detection may be.
        duration_ms: length of the audio, for the false accepts per hour; None: up to the last
            entry of either list.
    """
    words = sorted(entry for entry in ground_truth if entry.label not in NOT_WORDS)
    heard = sorted(entry for entry in detections if entry.label not in NOT_WORDS)
    correct, words_left, heard_left = _pair(words, heard, settings, same_label=True)
    wrong, missed, false_accepts = _pair(words_left, heard_left, settings, same_label=False)
    if duration_ms is None:
        ends = [entry.time_ms + settings.clip_duration_ms for entry in ground_truth]
        duration_ms = max([*ends, *(entry.time_ms for entry in detections)], default=0.0)
    return StreamScore(
        duration_ms=duration_ms,
        correct_words=correct,
        wrong_words=wrong,
        missed_words=missed,
        false_accept_detections=false_accepts,
    )


def _pair(
    words: list[LabelTime], heard: list[LabelTime], settings: ScoreSettings, *, same_label: bool
) -> tuple[list[Pair], list[LabelTime], list[LabelTime]]:
    """Pairs in order of time. All windows are equally long, so the earliest detection that fits is
    the best choice: it leaves the fewest words unpaired. Returns pairs, words left, detections
    left."""
    fits = _fits(settings, same_label)
    pairs, words_left, taken = [], [], set()
    first = 0
    for word in words:
        while first < len(heard) and heard[first].time_ms < word.time_ms:
            first += 1
        index = first
        while index < len(heard) and (index in taken or not fits(word, heard[index])):
            if heard[index].time_ms > _latest(word, settings):
                index = len(heard)
                break
            index += 1
        if index < len(heard):
            taken.add(index)
            pairs.append(Pair(spoken=word, detected=heard[index]))
        else:
            words_left.append(word)
    return pairs, words_left, [entry for index, entry in enumerate(heard) if index not in taken]


def _latest(word: LabelTime, settings: ScoreSettings) -> float:
    return word.time_ms + settings.clip_duration_ms + settings.time_tolerance_ms


def _fits(settings: ScoreSettings, same_label: bool) -> Callable[[LabelTime, LabelTime], bool]:
    def fits(word: LabelTime, detection: LabelTime) -> bool:
        in_time = word.time_ms <= detection.time_ms <= _latest(word, settings)
        return in_time and (not same_label or word.label == detection.label)

    return fits
