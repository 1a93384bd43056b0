# SPDX-License-Identifier: Apache-2.0
"""The demo's result: report.json, and the same for people."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything `make demo` measured. Accuracies are 0 to 1, on clips of the testing partition.

    `instructions_per_second_of_audio`: of the emulated Cortex-M4, counted by the emulator.
    `realtime_factor`: seconds of audio per second of one x86 core, from program start to end.
    `ram_bytes` includes the stack that is set aside; `flash_bytes` includes the model.
    `bit_equal`: features and scores of all `compared_frames` frames, and all detections.
    """

    float_accuracy: float
    int8_accuracy: float
    test_clips: int
    words: int
    matched: int
    correct: int
    wrong: int
    false_accepts: int
    false_accepts_per_hour: float
    stream_seconds: float
    model_bytes: int
    arena_bytes: int
    flash_bytes: int
    ram_bytes: int
    stack_used_bytes: int
    realtime_factor: float
    instructions_per_second_of_audio: int
    bit_equal: bool
    compared_clips: int
    compared_frames: int
    differences: list[str] = field(default_factory=list)
    corpus: str
    board: str
    seconds: float

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    def to_text(self) -> str:
        """A table for people."""
        change = 100 * (self.int8_accuracy - self.float_accuracy)
        missed = self.words - self.matched
        agreed = "yes" if self.bit_equal else "NO"
        rows = [
            ("corpus", self.corpus),
            (
                "clip accuracy",
                f"{100 * self.float_accuracy:.1f}% float, {100 * self.int8_accuracy:.1f}% int8 "
                f"({change:+.2f} points, {self.test_clips} test clips)",
            ),
            (
                "streaming test",
                f"{self.words} words in {self.stream_seconds:.0f} s: {self.correct} correct, "
                f"{self.wrong} wrong, {missed} missed",
            ),
            (
                "false accepts",
                f"{self.false_accepts}, {self.false_accepts_per_hour:.1f} per hour of dense speech",
            ),
            ("model", f"{self.model_bytes:,} bytes, arena {self.arena_bytes:,} bytes"),
            (
                f"{self.board}",
                f"flash {self.flash_bytes:,} bytes with the model, RAM {self.ram_bytes:,} bytes "
                f"with stack ({self.stack_used_bytes:,} of it used)",
            ),
            (
                "load",
                f"{self.instructions_per_second_of_audio / 1e6:.2f} million instructions "
                "per second of audio",
            ),
            ("x86 replay", f"{self.realtime_factor:,.0f} times real time"),
            (
                "bit for bit",
                f"{agreed}: Python, x86 and {self.board} over {self.compared_frames:,} frames, "
                f"{self.compared_clips} clips among them",
            ),
            ("time taken", f"{self.seconds:.0f} s"),
        ]
        lines = [f"  {name:<16}{text}" for name, text in rows]
        return "\n".join([*lines, *(f"  difference: {line}" for line in self.differences)]) + "\n"
