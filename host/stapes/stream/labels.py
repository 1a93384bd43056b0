# SPDX-License-Identifier: Apache-2.0
"""Lines of "label, time_ms", read and written: ground truths (Audacity's too) and detections."""

from __future__ import annotations

import difflib
import json
import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from stapes.errors import StapesError
from stapes.files import read_text
from stapes.model.settings import NOT_WORDS, check_label
from stapes.progress import note

_FORMS = '"label, time_ms" or those of a label track (start, end, label)'
_FEWEST_TIMED, _LEAST_PACE_MS = 3, 100  # words that follow each other faster are not words
MAX_TIME_MS = 2**32  # a board's clock goes no further


@dataclass(frozen=True, kw_only=True, order=True)
class LabelTime:
    """A label at a time, in milliseconds from the first sample: in a ground truth the start of a
    clip, in a list of detections the end of the audio that was heard. If known: `end_ms`, the end
    of the word itself; `clip`, its recording; `score` of a detection, 0 to 1."""

    time_ms: float
    label: str
    end_ms: float | None = field(default=None, compare=False)
    score: float | None = field(default=None, compare=False)
    clip: str | None = field(default=None, compare=False)

    @property
    def source(self) -> str | None:
        """The speaker, where the clip's name tells (`<speaker>_nohash_<n>`), or else the clip."""
        if self.clip is None or "_nohash_" not in self.clip:
            return self.clip
        return PurePosixPath(self.clip).name.partition("_nohash_")[0]

    def to_dict(self) -> dict:
        """All fields that are known, as JSON-ready values."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def format_line(entry: LabelTime) -> str:
    """One line as TensorFlow's generate_streaming_test_wav writes it, in whole milliseconds."""
    return f"{entry.label}, {entry.time_ms:.0f}\n"


def read_labels(path: str | Path, *, what: str) -> list[LabelTime]:
    """Reads a file of "label, time_ms[, score]" lines, or of JSON objects that hold `label` and
    `time_ms`, and may hold `end_ms` and `score`, one a line (the details of `stapes stream make`,
    `stapes replay --json`; objects of other events are passed over).

    Lines with tabs are those of a label track that Audacity has exported: start and end in seconds,
    and the label.

    Empty lines and lines that begin with `#` are passed over. The result is in order of time.

    Raises:
        StapesError: the file is missing, is not text, or holds another kind of line.
    """
    text = read_text(path, what=f"{what} with lines {_FORMS}")
    return sorted(_parse_lines(text.split("\n"), path))


def read_truth(path: str | Path) -> list[LabelTime]:
    """Reads a ground truth. The ends of words come from a file beside it with the suffix .jsonl, as
    `stapes stream make` writes it, if there is one.

    Raises:
        StapesError: as `read_labels`; or the words are so close together that their times must be
            seconds.
    """
    truth = read_labels(path, what="a ground truth")
    _check_times(truth, path)
    details = Path(path).with_suffix(".jsonl")
    if details == Path(path) or not details.exists():
        return truth
    ends = {(e.label, round(e.time_ms)): e for e in read_labels(details, what="details of words")}
    return [ends.get((entry.label, round(entry.time_ms)), entry) for entry in truth]


def _check_times(truth: Sequence[LabelTime], path: str | Path) -> None:
    twice = len(truth) - len({(entry.label, entry.time_ms) for entry in truth})
    if twice:
        lines = f"line{'s' * (twice > 1)}"
        note(f"{path}: {twice} repeated {lines}: each counts as another word", kind="twice")
    if len(truth) < _FEWEST_TIMED:
        return
    pace_ms = (truth[-1].time_ms - truth[0].time_ms) / (len(truth) - 1)
    if 0 < pace_ms < _LEAST_PACE_MS:
        raise StapesError(
            f"{path}: found a word every {pace_ms:.1f} ms, expected times in milliseconds; if "
            "these are seconds, multiply them by 1000"
        )


def check_within(
    truth: Sequence[LabelTime], duration_ms: float, *, path: str | Path, audio: str | Path
) -> None:
    """Checks that a ground truth, read from `path`, can belong to `audio` of this duration.

    Raises:
        StapesError: a clip starts after the audio has ended.
    """
    last = max(truth, default=None)
    if last and last.time_ms > duration_ms:
        raise StapesError(
            f"{path}: found {last.label!r} at {last.time_ms:.0f} ms, expected times up to "
            f"{duration_ms:.0f} ms, the end of {audio}; choose the ground truth of that audio"
        )


def check_labels(truth: Sequence[LabelTime], labels: Sequence[str], *, path: str | Path) -> None:
    """Compares the words of a ground truth, read from `path`, with the `labels` of a model. A note
    names each word that the model does not know, and the nearest label.

    Raises:
        StapesError: the model knows none of the words.
    """
    counts = Counter(entry.label for entry in truth if entry.label not in NOT_WORDS)
    unknown = {word: count for word, count in counts.items() if word not in labels}
    words = [label for label in labels if label not in NOT_WORDS]
    if counts and len(unknown) == len(counts):
        word = next(iter(unknown))
        raise StapesError(
            f"{path}: found no label that the model knows, such as {word!r}{_hint(word, words)}, "
            f"expected some of {', '.join(words)}; choose the ground truth or the model that fits"
        )
    for word, count in unknown.items():
        times = f" ({count} times)" if count > 1 else ""
        note(
            f"{path}: the model does not know the label {word!r}{times}{_hint(word, words)}",
            kind="label",
        )


def note_other_spellings(
    truth: Sequence[LabelTime], detections: Sequence[LabelTime], *, path: str | Path
) -> None:
    """Writes a note for each word of a ground truth, read from `path`, that is only detected in
    another spelling: such a word counts as lost."""
    heard = {_folded(entry.label): entry.label for entry in detections}
    labels = set(heard.values())
    for word in dict.fromkeys(entry.label for entry in truth):
        other = heard.get(_folded(word))
        if other is not None and word not in labels:
            note(f"{path}: {word!r} is never detected, but {other!r} is; is it the same word?",
                 kind="label")  # fmt: skip


def _hint(word: str, labels: Sequence[str]) -> str:
    """Asks whether the most similar label was meant, if there is one; capitals and different codes
    of the same letter do not count."""
    folded = {_folded(label): label for label in labels}
    near = difflib.get_close_matches(_folded(word), folded, n=1)
    return f", did you mean {folded[near[0]]!r}?" if near else ""


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def _parse_lines(lines: Iterable[str], path: str | Path) -> Iterable[LabelTime]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith(("#", "\\\t")):  # Audacity's lines of frequencies
            continue
        try:
            entry = _parse_line(line)
        except (ValueError, OverflowError, KeyError, TypeError, RecursionError) as error:
            remedy = (
                "fix the line, or remove it if it is a heading" if number == 1 else "fix the line"
            )
            raise StapesError(
                f"{path}:{number}: found {line.strip()[:60]!r}, expected {_FORMS}; {remedy}"
            ) from error
        if entry is not None:
            try:
                check_label(entry.label)  # the label becomes part of file names
            except StapesError as error:
                raise StapesError(f"{path}:{number}: {error}") from error
            yield entry


def _parse_line(line: str) -> LabelTime | None:
    if line.lstrip().startswith("{"):
        return _parse_json(line)
    return _parse_track(line) if "\t" in line.strip() else _parse_text(line.strip())


def _parse_track(line: str) -> LabelTime:
    """A region or a point of an Audacity label track, in seconds; some languages use a comma."""
    start, end, label = line.strip().split("\t")
    start_ms, end_ms = (_in_range(1000 * float(time.replace(",", "."))) for time in (start, end))
    if end_ms < start_ms or not label:
        raise ValueError(line)
    return LabelTime(
        label=label.strip(), time_ms=start_ms, end_ms=end_ms if end_ms > start_ms else None
    )


def _parse_text(line: str) -> LabelTime:
    label, time_ms, *score = (part.strip() for part in line.split(","))
    if not label or len(score) > 1:
        raise ValueError(line)
    return LabelTime(
        label=label, time_ms=_in_range(time_ms), score=_finite(score[0]) if score else None
    )


def _parse_json(line: str) -> LabelTime | None:
    event = json.loads(line)
    if "label" not in event:
        return None
    label, time_ms = event["label"], event["time_ms"]
    end_ms, score, clip = event.get("end_ms"), event.get("score"), event.get("clip")
    numbers = [time_ms, *(value for value in (end_ms, score) if value is not None)]
    if (
        not isinstance(label, str)
        or not label
        or not isinstance(clip, str | None)
        or {type(n) for n in numbers} - {int, float}
    ):
        raise ValueError(line)
    return LabelTime(
        label=label,
        time_ms=_in_range(time_ms),
        end_ms=None if end_ms is None else _in_range(end_ms),
        score=None if score is None else _finite(score),
        clip=clip,
    )


def _finite(value: str | float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _in_range(value: str | float) -> float:
    number = float(value)
    if not 0 <= number <= MAX_TIME_MS:  # also true for NaN
        raise ValueError(value)
    return number
