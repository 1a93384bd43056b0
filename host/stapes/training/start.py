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
from stapes.training.trunk import load_trunk

_OTHER_FOLDER = "choose another --train_dir, or remove this file"


@dataclass(frozen=True, kw_only=True)
class Start:
    """From where a training goes on: from `checkpoint`, read from the file `source`. Without a
    checkpoint it is a new training; if there is a `trunk`, it begins with the trunk's first layers.

    `began` identifies the checkpoint that --start_checkpoint or --trunk named; "" without these
    flags. It stays in the checkpoints of the training, so that the same command goes on after a
    stop.
    """

    source: Path
    checkpoint: Checkpoint | None = None
    trunk: Checkpoint | None = None
    began: str = ""

    @property
    def attribution(self) -> str:
        """Whose data these weights were trained on: the new model must say this as well."""
        weights = self.checkpoint or self.trunk
        return weights.origin["attribution"] if weights else ""


def find_start(
    own: Path,
    start_checkpoint: str | os.PathLike[str],
    settings: TrainingSettings,
    *,
    trunk: str | os.PathLike[str] = "",
) -> Start:
    """The checkpoint `own` of the train_dir if it began at start_checkpoint or trunk; otherwise
    start_checkpoint or trunk itself.

    Raises:
        StapesError: the train_dir holds another training, or the settings do not fit.
    """
    earlier = Checkpoint.load(own) if own.exists() else None
    if trunk:
        return _on_trunk(own, earlier, load_trunk(trunk, settings), Path(trunk), settings)
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
    raise _began_elsewhere(own, named, "--start_checkpoint")


def _on_trunk(
    own: Path,
    earlier: Checkpoint | None,
    trunk: Checkpoint,
    named: Path,
    settings: TrainingSettings,
) -> Start:
    began = fingerprint(trunk)
    if earlier is None:
        return Start(source=named, trunk=trunk, began=began)
    if earlier.origin["began"] != began:
        raise _began_elsewhere(own, named, "--trunk")
    settings.check_continues(earlier.settings, source=str(own), remedy=_OTHER_FOLDER)
    return Start(source=own, checkpoint=earlier, began=began)


def _began_elsewhere(own: Path, named: Path, flag: str) -> StapesError:
    return StapesError(
        f"{own}: found a training that did not begin at {named}, expected none; {_OTHER_FOLDER}, "
        f"or leave out {flag} to go on with it"
    )


def fingerprint(checkpoint: Checkpoint) -> str:
    """Sixteen hexadecimal digits that identify the weights and the step of a checkpoint."""
    found = hashlib.sha256(str(checkpoint.step).encode())
    for array in checkpoint.model:
        found.update(array.tobytes())
    return found.hexdigest()[:16]
