# SPDX-License-Identifier: Apache-2.0
"""Settings of a running board's decoder: words like threshold:yes=0.7, and frames that set them."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stapes.device import gate
from stapes.device.decoder import threshold_q16
from stapes.errors import StapesError
from stapes.link.protocol import FrameType
from stapes.model.settings import DecoderSettings, GateSettings, WakeSettings
from stapes.options import declared

_KEEP = 0xFFFFFFFF
_OF_WAKE_WORD = 1
_THRESHOLD = declared(DecoderSettings)["detection_threshold"]
_GATE = declared(GateSettings)["threshold_db"]
_NUMBERS = {
    "average_ms": declared(DecoderSettings)["average_window_duration_ms"],
    "suppression_ms": declared(DecoderSettings)["suppression_ms"],
    "minimum_count": declared(DecoderSettings)["minimum_count"],
    "awake_seconds": declared(WakeSettings)["awake_seconds"],
}
HELP = (
    "threshold=0.6 for every label, threshold:LABEL=0.6 for one, average_ms=500, "
    "suppression_ms=300, minimum_count=3, awake_seconds=5 for a board with a wake word, gate=15 or "
    "gate=off for one with a silence gate"
)

Request = tuple[FrameType, bytes]


@dataclass(frozen=True, kw_only=True)
class DecoderChanges:
    """What is to change. A field that is None does not change, nor do labels that `thresholds` does
    not name; "" in `thresholds` means all labels."""

    thresholds: dict[str, float] = field(default_factory=dict)
    average_ms: int | None = None
    suppression_ms: int | None = None
    minimum_count: int | None = None
    awake_seconds: float | None = None
    gate_db: float | None = None  # 0: always open

    def requests(
        self, labels: Sequence[str], *, wake_labels: Sequence[str] = (), source: str
    ) -> list[Request]:
        """Frames for a board with these labels. `wake_labels` are those of its wake word's model,
        if it has one; a label that is in both belongs to `labels`. `source` names the board in
        error messages.

        Raises:
            StapesError: a threshold for a label that the board does not have, or a time awake for
                a board without a wake word.
        """
        out: list[Request] = []
        if (self.average_ms, self.suppression_ms, self.minimum_count) != (None, None, None):
            payload = struct.pack(
                "<IIH",
                _KEEP if self.average_ms is None else self.average_ms,
                _KEEP if self.suppression_ms is None else self.suppression_ms,
                _KEEP & 0xFFFF if self.minimum_count is None else self.minimum_count,
            )
            out.append((FrameType.DECODER, payload))
        if self.awake_seconds is not None:
            if not wake_labels:
                raise StapesError(
                    f"{source}: found awake_seconds, but this firmware has no wake word; leave it "
                    "out, or build one with stapes flash --wake"
                )
            awake_ms = WakeSettings(awake_seconds=self.awake_seconds).milliseconds
            out.append((FrameType.AWAKE, struct.pack("<I", awake_ms)))
        if self.gate_db is not None:
            payload = struct.pack("<I", gate.threshold_q16(self.gate_db))
            out.append((FrameType.GATE, payload))
        for name, threshold in sorted(self.thresholds.items()):  # the one for all comes first
            out += _threshold_frames(name, threshold_q16(threshold), labels, wake_labels, source)
        return out


def _threshold_frames(
    name: str, q16: int, labels: Sequence[str], wake_labels: Sequence[str], source: str
) -> list[Request]:
    """`name`: "" means all labels, except those of the wake word's model."""
    if name and name not in labels and name in wake_labels:
        index = wake_labels.index(name)
        return [(FrameType.THRESHOLD, struct.pack("<HIB", index, q16, _OF_WAKE_WORD))]
    if name and name not in labels:
        known = ", ".join(dict.fromkeys((*labels, *wake_labels)))
        raise StapesError(f"{source}: found label {name!r}, expected one of {known}")
    return [
        (FrameType.THRESHOLD, struct.pack("<HI", index, q16))
        for index, label in enumerate(labels)
        if name in ("", label)
    ]


def parse_changes(words: Sequence[str]) -> DecoderChanges:
    """`words` as HELP describes them.

    Raises:
        StapesError: a word is something else, or sets what another word has set.
    """
    thresholds: dict[str, float] = {}
    numbers: dict[str, Any] = {}
    seen: set[str] = set()
    for word in words:
        name, _, text = word.rpartition("=")
        if name in seen:
            raise StapesError(f"{word}: found {name} twice, expected it once; choose one of them")
        seen.add(name)
        kind, _, label = name.partition(":")
        if name == "threshold" or (kind == "threshold" and label):
            thresholds[label] = _THRESHOLD.parse(text, called=name)
        elif name == "gate":
            off = text == "off"
            numbers["gate_db"] = 0.0 if off else _GATE.parse(text, called=name)
        elif name in _NUMBERS:
            numbers[name] = _NUMBERS[name].parse(text, called=name)
        else:
            raise StapesError(f"{word}: expected {HELP}; correct it")
    return DecoderChanges(thresholds=thresholds, **numbers)
