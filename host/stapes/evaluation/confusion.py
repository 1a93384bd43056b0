# SPDX-License-Identifier: Apache-2.0
"""Accuracy and confusion matrix of classified clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stapes.evaluation.intervals import binomial_interval

_COLUMNS = 100  # of a terminal
_RIGHT = "  right"
_MIN_WIDTH = 4


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """`matrix` int [labels, labels]: rows are the true labels, columns the predicted ones."""

    matrix: np.ndarray

    @classmethod
    def of(cls, truth: np.ndarray, predicted: np.ndarray, *, labels: int) -> Confusion:
        """Counts pairs of label numbers, [clips] each."""
        matrix = np.zeros((labels, labels), np.int64)
        np.add.at(matrix, (truth, predicted), 1)
        return cls(matrix=matrix)

    @property
    def total(self) -> int:
        return int(self.matrix.sum())

    @property
    def accuracy(self) -> float:
        """Share of correctly classified clips, 0 to 1; 0 without clips."""
        return float(np.trace(self.matrix) / max(self.total, 1))

    @property
    def accuracy_interval(self) -> tuple[float, float]:
        """Bounds of the accuracy with 95% confidence."""
        return binomial_interval(int(np.trace(self.matrix)), self.total)

    def accuracy_text(self) -> str:
        """Accuracy, clips and interval as a line of a log has them."""
        low, high = (100 * bound for bound in self.accuracy_interval)
        return f"{100 * self.accuracy:.1f}% (N={self.total}), 95% interval: {low:.1f} to {high:.1f}"

    def table(self, labels: Sequence[str]) -> str:
        """The matrix as text, one row per true label, with the accuracy of each. The columns have
        the same names as the rows, but cut if the table would be too wide."""
        left = max(map(len, labels))
        digits = len(str(self.matrix.max(initial=0)))
        room = (_COLUMNS - left - len(_RIGHT)) // len(labels)
        width = max(min(room, left + 2), digits + 1, _MIN_WIDTH)
        heads = [label if len(label) < width else f"{label[: width - 2]}…" for label in labels]
        rows = ["".ljust(left) + "".join(head.rjust(width) for head in heads) + _RIGHT]
        for number, (label, row) in enumerate(zip(labels, self.matrix, strict=True)):
            share = row[number] / max(row.sum(), 1)
            counts = "".join(str(count).rjust(width) for count in row)
            rows.append(label.ljust(left) + counts + f"{100 * share:6.1f}%")
        return "\n".join(rows)
