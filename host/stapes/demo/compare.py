# SPDX-License-Identifier: Apache-2.0
"""Whether Python, x86 and the emulated board found the same, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stapes.replay import Replayed


def differences(builds: Mapping[str, Replayed]) -> list[str]:
    """A line for each build that differs from the first one, with the difference; empty if none
    does.

    Compares the time, the checksum of the features and the scores of every frame, and all
    detections with their times and scores.
    """
    (first, reference), *others = builds.items()
    return [
        f"{name} and {first}: {found}"
        for name, replayed in others
        if (found := _difference(reference, replayed))
    ]


def _difference(reference: Replayed, replayed: Replayed) -> str | None:
    if len(reference.scores) != len(replayed.scores):
        return f"{len(replayed.scores)} frames instead of {len(reference.scores)}"
    for name in ("times_ms", "features_crc", "scores"):
        expected, found = getattr(reference, name), getattr(replayed, name)
        unequal = np.flatnonzero((expected != found).reshape(len(found), -1).any(axis=1))
        if len(unequal):
            frame = unequal[0]
            return (
                f"{name} of {len(unequal)} of {len(found)} frames differ, first in frame {frame}: "
                f"{found[frame].tolist()} instead of {expected[frame].tolist()}"
            )
    if reference.detections != replayed.detections:
        return f"detections {replayed.detections} instead of {reference.detections}"
    return None
