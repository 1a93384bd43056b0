# SPDX-License-Identifier: Apache-2.0
"""Which partition a clip belongs to: decided by its name, so that it never moves."""

from __future__ import annotations

import hashlib
import os
import re

PARTITIONS = ("training", "validation", "testing")
MAX_NUM_WAVS_PER_CLASS = 2**27 - 1  # about 134 million


def which_set(
    file_name: str | os.PathLike[str],
    validation_percentage: float,
    testing_percentage: float,
) -> str:
    """Partition of a clip: "training", "validation" or "testing".

    Only the part of the name before `_nohash_` counts, so that all clips of one speaker stay
    together. Source: `which_set` of TensorFlow's speech_commands/input_data.py.
    """
    name = os.path.basename(file_name)  # noqa: PTH119
    # A name without _nohash_ counts as a whole, always with .wav: another file format must not move
    # a clip to another partition.
    wav_name = re.sub(r"\.(flac|ogg|opus|mp3)$", ".wav", name, flags=re.IGNORECASE)
    speaker = re.sub(r"_nohash_.*$", "", wav_name)
    number = int(hashlib.sha1(os.fsencode(speaker)).hexdigest(), 16)
    percentage = (number % (MAX_NUM_WAVS_PER_CLASS + 1)) * (100.0 / MAX_NUM_WAVS_PER_CLASS)
    if percentage < validation_percentage:
        return "validation"
    if percentage < validation_percentage + testing_percentage:
        return "testing"
    return "training"
