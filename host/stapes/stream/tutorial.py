# SPDX-License-Identifier: Apache-2.0
"""The counts of TensorFlow's test_streaming_accuracy, rule for rule, for comparison with it.

Source: accuracy_utils.cc and test_streaming_accuracy.cc of tensorflow/examples/speech_commands.
Where these rules are unfair, `stapes.stream.accuracy` has others.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from stapes.model.settings import SILENCE_LABEL
from stapes.stream.labels import LabelTime


@dataclass(frozen=True, kw_only=True)
class TutorialScore:
    """How many entries the ground truth has, at how many of its times something was detected, and
    how many detections were correct, wrong or false positives."""

    words: int
    matched: int
    correct: int
    wrong: int
    false_positives: int

    def to_text(self) -> str:
        """The line that the original prints."""
        if not self.words:
            return f"No ground truth yet, {self.false_positives} false positives"
        shares = (
            100 * count / self.words
            for count in (self.matched, self.correct, self.wrong, self.false_positives)
        )
        form = "{:.1f}% matched, {:.1f}% correctly, {:.1f}% wrongly, {:.1f}% false positives"
        return form.format(*shares)


def tutorial_score(
    ground_truth: Sequence[LabelTime],
    detections: Sequence[LabelTime],
    *,
    clip_duration_ms: float,
    time_tolerance_ms: float,
) -> TutorialScore:
    """Counts as the original does.

    A detection belongs to the first entry within the tolerance before or after the start of the
    window in which it was heard, whatever its label; any number of detections may belong to one
    entry. Several entries at the same time are matched as one. `_silence_` is ignored, `_unknown_`
    counts like a word.
    """
    truth = sorted(ground_truth, key=lambda entry: entry.time_ms)
    times = [entry.time_ms for entry in truth]
    matched: set[float] = set()
    correct = wrong = false_positives = 0
    for found in sorted(detections, key=lambda entry: entry.time_ms):
        if found.label == SILENCE_LABEL:
            continue
        start = found.time_ms - clip_duration_ms
        place = bisect.bisect_left(times, start - time_tolerance_ms)
        if place == len(times) or times[place] > start + time_tolerance_ms:
            false_positives += 1
            continue
        first = truth[place]
        if first.label == found.label and first.time_ms not in matched:
            correct += 1
        else:
            wrong += 1
        matched.add(first.time_ms)
    return TutorialScore(
        words=len(truth),
        matched=len(matched),
        correct=correct,
        wrong=wrong,
        false_positives=false_positives,
    )
