# SPDX-License-Identifier: Apache-2.0
"""The confusion matrix as text."""

from __future__ import annotations

import numpy as np
import pytest

from stapes.evaluation.confusion import Confusion

TEN = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")


@pytest.mark.parametrize("clips", [1, 4890, 99_999])
def test_ten_words_fit_a_terminal_of_100_columns(clips):
    labels = ("_silence_", "_unknown_", *TEN)
    head, *rows = Confusion(matrix=np.full((12, 12), clips, np.int64)).table(labels).splitlines()
    assert max(map(len, (head, *rows))) <= 100
    assert [row.split()[0] for row in rows] == list(labels)
    assert all(row.split()[1:-1] == [str(clips)] * 12 for row in rows)
    assert head.split()[:4] == ["_sile…", "_unkn…", "yes", "no"] and head.endswith("right")
    assert len({len(line) for line in (head, *rows)}) == 1, "columns stand below one another"


def test_few_labels_are_written_out():
    matrix = np.array([[3, 1], [0, 2]])
    assert Confusion(matrix=matrix).table(("_silence_", "yes")).splitlines() == [
        "           _silence_        yes  right",
        "_silence_          3          1  75.0%",
        "yes                0          2 100.0%",
    ]


def test_a_label_without_clips_has_no_division_by_zero():
    table = Confusion(matrix=np.zeros((2, 2), np.int64)).table(("a", "b"))
    assert table.count("0.0%") == 2
