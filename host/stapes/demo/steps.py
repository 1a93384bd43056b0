# SPDX-License-Identifier: Apache-2.0
"""Steps that say what they do and how long it took. A step is not repeated while its inputs stay
the same."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from stapes.errors import StapesError
from stapes.files import write_text
from stapes.installed import OWN_PYTHON

TAIL_LINES = 15  # of a failed command's output


class Workbench:
    """Runs steps in a work folder; logs go to `logs/`, stamps of finished steps to `steps/`."""

    def __init__(self, work_dir: Path, *, log: Callable[[str], None] = print) -> None:
        self.work_dir = work_dir
        self._log = log
        self._code = _code_fingerprint()
        for folder in (work_dir, self.logs, self.stamps):
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def logs(self) -> Path:
        return self.work_dir / "logs"

    @property
    def stamps(self) -> Path:
        return self.work_dir / "steps"

    def step(
        self,
        name: str,
        action: Callable[[], object],
        *,
        inputs: Mapping[str, object] | None = None,
        outputs: Sequence[Path] = (),
    ) -> None:
        """Runs `action`, unless all of `outputs` exist and were made from equal `inputs`.

        Files and folders among the inputs count with their content; Stapes' own code always counts.
        With `inputs` None the action always runs.
        """
        stamp = self.stamps / f"{name.replace(' ', '_')}.json"
        key = None if inputs is None else self._key(inputs)
        if key and all(path.exists() for path in outputs) and _read(stamp) == key:
            self._log(f"== {name}: up to date")
            return
        stamp.unlink(missing_ok=True)
        self._log(f"== {name}")
        started = time.monotonic()
        action()
        self._log(f"   {time.monotonic() - started:.1f} s")
        if key:
            write_text(stamp, key)

    def say(self, line: str) -> None:
        """One line about the step that is going on."""
        self._log(f"   {line}")

    def stapes(self, *arguments: object, show: bool = False) -> str:
        """Runs one `stapes` command; returns its standard output. `show`: prints it as it comes."""
        words = [str(word) for word in arguments]
        return self.run(
            [*OWN_PYTHON, "-m", "stapes", *words], spoken_as=["stapes", *words], show=show
        )

    def run(
        self,
        command: Sequence[object],
        *,
        spoken_as: Sequence[str] | None = None,
        show: bool = False,
    ) -> str:
        """Runs a command with its output in a log file; returns its standard output.

        Raises:
            StapesError: it cannot be started or fails; the last lines of its output are printed.
        """
        words = [str(word) for word in command]
        self._log(f"   $ {shlex.join(spoken_as or words)}")
        log_path = self.logs / f"{len(list(self.logs.iterdir())):02}-{Path(words[0]).name}.log"
        lines = []
        with log_path.open("w", encoding="utf-8") as log:
            log.write(f"$ {shlex.join(words)}\n")
            try:
                process = subprocess.Popen(
                    words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
            except OSError as error:
                raise StapesError(f"{words[0]}: {error.strerror}; run: make setup") from error
            with process:
                assert process.stdout  # a pipe
                for line in process.stdout:
                    lines.append(line)
                    log.write(line)
                    if show:
                        self._log(f"   | {line.rstrip()}")
        if process.returncode:
            for line in lines[-TAIL_LINES:]:
                self._log(f"   | {line.rstrip()}")
            raise StapesError(
                f"{shlex.join(spoken_as or words)}: exit status {process.returncode}; "
                f"its output is in {log_path}"
            )
        return "".join(lines)

    def _key(self, inputs: Mapping[str, object]) -> str:
        digests = {
            name: _digest(value) if isinstance(value, Path) else value
            for name, value in inputs.items()
        }
        return json.dumps({"code": self._code, **digests}, sort_keys=True, default=str)


def _code_fingerprint() -> str:
    """A digest of the package and its compiled module: results of other code do not count."""
    from stapes import _native

    digest = hashlib.sha256(Path(_native.__file__).read_bytes())
    package = Path(__file__).parents[1]
    for path in sorted(package.rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    """The digest of a file's bytes, or of a folder's names, sizes and times."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for folder, _, names in sorted(os.walk(path)):
        for name in sorted(names):
            status = (Path(folder) / name).stat()
            digest.update(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
