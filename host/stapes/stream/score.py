"""Scoring detections against a ground truth, each spoken word at most once.

The figures are those of TensorFlow's test_streaming_accuracy: words matched (something was
detected while they were heard), correct, wrong, and false accepts, in percent of the words of the
ground truth. The rules differ where the original is unfair:

* A word pairs with one detection and a detection with one word. The original lets one word's
  neighbourhood absorb any number of detections; here the surplus are false accepts.
* Detections of the right label are paired first, in order of time (which leaves as few as possible
  unpaired); only what is left over can be a wrong detection. The original takes the first word
  within reach, whatever its label.
* `_silence_` and `_unknown_` are not words: not in the ground truth (a wanted word detected over an
  unknown word is a false accept), nor among detections. The original counts `_unknown_`.
* A detection carries the time of the last audio heard, a ground truth the start of a clip: they
  belong together when start <= detection <= start + clip_duration_ms + time_tolerance_ms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field

from stapes.settings import SILENCE_LABEL, UNKNOWN_LABEL
from stapes.stream.labels import LabelTime

NOT_WORDS = frozenset({SILENCE_LABEL, UNKNOWN_LABEL})
MS_PER_HOUR = 3_600_000


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """The defaults are those of TensorFlow's test_streaming_accuracy (C++)."""

    clip_duration_ms: float = 1000
    time_tolerance_ms: float = 750


@dataclass(frozen=True, kw_only=True)
class WrongWord:
    """A word of the ground truth for which another word was detected."""

    spoken: LabelTime
    detected: LabelTime


@dataclass(frozen=True, kw_only=True)
class StreamScore:
    """Counts, percentages of `words`, and the entries behind them."""

    words: int
    correct: int
    wrong: int
    missed: int
    false_accepts: int
    duration_ms: float
    wrong_words: list[WrongWord] = field(default_factory=list)
    missed_words: list[LabelTime] = field(default_factory=list)
    false_accept_detections: list[LabelTime] = field(default_factory=list)

    @property
    def matched(self) -> int:
        return self.correct + self.wrong

    @property
    def false_accepts_per_hour(self) -> float:
        return self.false_accepts * MS_PER_HOUR / self.duration_ms if self.duration_ms else 0.0

    def percent(self, count: int) -> float:
        """`count` in percent of the words of the ground truth; 0 when there are none."""
        return 100.0 * count / self.words if self.words else 0.0

    def to_dict(self) -> dict:
        """All figures as JSON-ready values."""
        derived = {
            "matched": self.matched,
            "matched_percent": self.percent(self.matched),
            "correct_percent": self.percent(self.correct),
            "wrong_percent": self.percent(self.wrong),
            "false_positive_percent": self.percent(self.false_accepts),
            "false_accepts_per_hour": self.false_accepts_per_hour,
        }
        return {**asdict(self), **derived}

    def to_text(self) -> str:
        """The tutorial's line, then counts, then every miss and false accept."""
        shares = [self.percent(n) for n in (self.matched, self.correct, self.wrong)]
        lines = [
            "{:.1f}% matched, {:.1f}% correctly, {:.1f}% wrongly, ".format(*shares)
            + f"{self.percent(self.false_accepts):.1f}% false positives",
            f"{self.words} words: {self.correct} correct, {self.wrong} wrong, {self.missed} missed",
            f"{self.false_accepts} false accepts in {self.duration_ms / 1000:.1f} s "
            f"({self.false_accepts_per_hour:.2f} per hour)",
        ]
        lines += [
            f"wrong         {_clock(pair.spoken)} {pair.spoken.label}: "
            f"{pair.detected.label} at {_clock(pair.detected).strip()}"
            for pair in self.wrong_words
        ]
        lines += [f"missed        {_clock(word)} {word.label}" for word in self.missed_words]
        lines += [
            f"false accept  {_clock(entry)} {entry.label}" for entry in self.false_accept_detections
        ]
        return "\n".join(lines) + "\n"


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
        settings: how far apart the two may lie.
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
        words=len(words),
        correct=len(correct),
        wrong=len(wrong),
        missed=len(missed),
        false_accepts=len(false_accepts),
        duration_ms=duration_ms,
        wrong_words=[WrongWord(spoken=word, detected=entry) for word, entry in wrong],
        missed_words=missed,
        false_accept_detections=false_accepts,
    )


def _pair(
    words: list[LabelTime], heard: list[LabelTime], settings: ScoreSettings, *, same_label: bool
) -> tuple[list[tuple[LabelTime, LabelTime]], list[LabelTime], list[LabelTime]]:
    """Pairs in order of time; all windows are equally long, so taking the earliest detection that
    fits leaves the fewest words unpaired. Returns pairs, words left, detections left."""
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
            pairs.append((word, heard[index]))
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


def _clock(entry: LabelTime) -> str:
    seconds = entry.time_ms / 1000
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02}:{seconds % 60:06.3f}"
