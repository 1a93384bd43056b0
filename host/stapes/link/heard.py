# SPDX-License-Identifier: Apache-2.0
"""What a board says that it heard in a recording which was played into it, each line checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from stapes.device.decoder import SCORE_ONE_Q16, Detection
from stapes.link.hello import Hello, not_asked_for, number_of
from stapes.link.protocol import Event

MOST_MS = 0xFFFFFFFF  # a board's times start at 0 again after 49.7 days


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The content of a `scores` line."""

    time_ms: int
    q: list[int]
    features_crc: int


@dataclass(kw_only=True)
class Heard:
    """Reads what a board says about a recording of `samples` samples, in the board's order.

    Every method raises StapesError for events that no board can have heard in this recording.
    """

    hello: Hello
    samples: int
    source: str
    _latest_ms: dict[tuple[str, bool], int] = field(default_factory=dict, init=False)

    @property
    def _most_ms(self) -> int:
        return min(self.samples * 1000 // self.hello.sample_rate, MOST_MS)

    def time_ms(self, event: Event) -> int:
        """The time of an event in the recording: not before the last event of the same kind."""
        kind = (event.name, event.is_of_wake_word)
        least = self._latest_ms.get(kind, 0)
        self._latest_ms[kind] = number_of(
            event, "time_ms", least, self._most_ms, source=self.source
        )
        return self._latest_ms[kind]

    def labels(self, event: Event) -> Sequence[str]:
        """The labels of the model that sent the event."""
        if not event.is_of_wake_word:
            return self.hello.labels
        return () if self.hello.wake is None else self.hello.wake.labels

    def detection(self, event: Event) -> Detection:
        """The detection of a `detection` line."""
        self.time_ms(event)
        return detection_of(event, labels=self.labels(event), source=self.source)

    def scores(self, event: Event) -> Scores:
        """The scores of a `scores` line: one for each label."""
        q, labels = event.values().get("q"), self.labels(event)
        if not isinstance(q, list) or len(q) != len(labels):
            said = event.fields.get("q", "none")
            raise not_asked_for(self.source, f"{said!a:.40} for q", f"{len(labels)} scores")
        return Scores(
            time_ms=self.time_ms(event),
            q=q,
            features_crc=number_of(event, "features_crc", 0, 0xFFFF, source=self.source),
        )


def detection_of(
    event: Event, *, labels: Sequence[str] = (), source: str = "the board"
) -> Detection:
    """The detection of a `detection` event, of one of `labels` if given. Its five decimals give the
    Q16 score back exactly.

    Raises:
        StapesError: the event is no valid detection.
    """
    label = event.fields.get("label", "")
    if labels and label not in labels:
        raise not_asked_for(source, f"a detection of {label!a:.60}", f"one of {', '.join(labels)}")
    score = event.values().get("score")
    if not isinstance(score, float) or not 0 <= score <= 1:
        said = event.fields.get("score", "none")
        raise not_asked_for(source, f"{said!a:.40} for score", "0 to 1")
    return Detection(
        time_ms=number_of(event, "time_ms", 0, MOST_MS, source=source),
        label=label,
        score_q16=round(score * SCORE_ONE_Q16),
        of_wake_word=event.is_of_wake_word,
    )
