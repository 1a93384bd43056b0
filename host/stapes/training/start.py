# SPDX-License-Identifier: Apache-2.0
"""Which checkpoint a training goes on from."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError
from stapes.training.checkpoint import Checkpoint
from stapes.training.settings import TrainingSettings

_OTHER_FOLDER = "choose another --train_dir, or remove this file"


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where a training goes on: `checkpoint` of the file `source`, or nowhere (a new training).

    `began` tells the checkpoint that --start_checkpoint named, "" without one. It stays in the
    checkpoints of the training, so that the same command goes on after a stop.
    """

    source: Path
    checkpoint: Checkpoint | None = None
    began: str = ""

    @property
    def attribution(self) -> str:
        """Whose data the checkpoint was trained on: what goes on from it owes that as well."""
        return self.checkpoint.origin["attribution"] if self.checkpoint else ""


def find_start(
    own: Path, start_checkpoint: str | os.PathLike[str], settings: TrainingSettings
) -> Start:
    """The checkpoint `own` of the train_dir if it began at start_checkpoint, else the latter.

    Raises:
        StapesError: the train_dir holds another training, or the settings do not fit.
    """
    earlier = Checkpoint.load(own) if own.exists() else None
    named = Path(start_checkpoint) if start_checkpoint else own
    if not start_checkpoint or (earlier and named.exists() and named.samefile(own)):
        if earlier is None:
            return Start(source=own)
        settings.check_continues(earlier.settings, source=str(own), remedy=_OTHER_FOLDER)
        return Start(source=own, checkpoint=earlier, began=earlier.origin["began"])
    start = Checkpoint.load(named)
    settings.check_continues(
        start.settings, source=str(named), remedy="leave out --start_checkpoint"
    )
    began = fingerprint(start)
    if earlier is None:
        return Start(source=named, checkpoint=start, began=began)
    if earlier.origin["began"] == began:
        settings.check_continues(earlier.settings, source=str(own), remedy=_OTHER_FOLDER)
        return Start(source=own, checkpoint=earlier, began=began)
    if named.parent.samefile(own.parent):  # back to an earlier state of the same training
        return Start(source=named, checkpoint=start, began=began)
    raise StapesError(
        f"{own}: found a training that did not begin at {named}, expected none; {_OTHER_FOLDER}, "
        "or leave out --start_checkpoint to go on with it"
    )


def fingerprint(checkpoint: Checkpoint) -> str:
    """Sixteen hexadecimal digits that tell its weights and its step from others."""
    found = hashlib.sha256(str(checkpoint.step).encode())
    for array in checkpoint.model:
        found.update(array.tobytes())
    return found.hexdigest()[:16]
