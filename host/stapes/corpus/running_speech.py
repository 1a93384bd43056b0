# SPDX-License-Identifier: Apache-2.0
"""Running speech: long recordings of talk, out of which clips of `_unknown_` are cut.

    DATA_DIR/_speech_/<speaker>/*.wav, or DATA_DIR/_speech_/<speaker>_nohash_<n>.wav

All recordings of a speaker fall into one partition, by the same rule as clips.
"""

from __future__ import annotations

from pathlib import Path

from stapes.audio.reader import audio_files
from stapes.corpus.partition import PARTITIONS, which_set

SPEECH_FOLDER = "_speech_"


def speech_recordings(
    folder: Path, *, validation_percentage: float, testing_percentage: float
) -> dict[str, list[Path]]:
    """The recordings of a corpus's running speech, by partition; none where it has no `_speech_`.

    The speaker is the folder below `_speech_`, or else the name before `_nohash_`.
    """
    top = folder / SPEECH_FOLDER
    by_partition: dict[str, list[Path]] = {partition: [] for partition in PARTITIONS}
    if not top.is_dir():
        return by_partition
    for path in audio_files(top, "*") + audio_files(top, "*/*"):
        speaker = path if path.parent == top else path.parent
        partition = which_set(speaker, validation_percentage, testing_percentage)
        by_partition[partition].append(path)
    return by_partition
