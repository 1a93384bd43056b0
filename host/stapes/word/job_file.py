# SPDX-License-Identifier: Apache-2.0
"""What a working folder of `stapes word` is for: WORK_DIR/job.json."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import read_text, write_text
from stapes.model.settings import settings_from_dict
from stapes.word.plan import Job, WordSettings

NAME = "job.json"


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """The job, the settings of the user, and the warnings about the choice of words."""

    job: Job
    settings: WordSettings
    warnings: tuple[str, ...]

    def write(self) -> None:
        """Raises:
        StapesError: the file cannot be written.
        """
        values = dataclasses.asdict(self)
        write_text(self.job.work_dir / NAME, json.dumps(values, default=str, indent=1) + "\n")

    @classmethod
    def read(cls, work_dir: Path) -> JobRecord:
        """Raises:
        StapesError: there is no such file, or it cannot be read.
        """
        path = work_dir / NAME
        text = read_text(path, what="the job of an earlier stapes word (is --work_dir the same?)")
        try:
            values = json.loads(text)
            return cls(
                job=_job(values["job"]),
                settings=settings_from_dict(WordSettings, values["settings"]),
                warnings=tuple(values["warnings"]),
            )
        except (StapesError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise StapesError(
                f"{path}: cannot be read ({error}), expected what this version of stapes word "
                "writes; choose a new --work_dir"
            ) from error


def _job(values: dict) -> Job:
    tuples = {name: tuple(values[name]) for name in ("words", "near", "voices")}
    paths = {name: Path(values[name]) for name in ("work_dir", "output")}
    sounds = Path(values["sounds"]) if values["sounds"] else None
    recordings = tuple(map(Path, values["recordings"]))
    return Job(**{**values, **tuples, **paths, "sounds": sounds, "recordings": recordings})
