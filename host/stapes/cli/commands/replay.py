# SPDX-License-Identifier: Apache-2.0
"""Play a WAV, or every WAV of a folder, through the firmware and print what it detects.

The firmware runs in this process (--model), as the program stapes-firmware (--program), on an
emulated board (--board) or on a board at a serial port (--port). All give the same detections. For
an emulated board, the firmware is built around --model, or --image names an image that you built.
Without both, the board runs the image that `stapes flash --board` built last.

Each detection is printed as "label, time_ms, score". time_ms is the end of the audio heard. For a
folder, a line "# FILE" comes before the detections of each file."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stapes.audio.reader import AUDIO_SUFFIXES, audio_files, read_audio
from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import add_wake_flags, model_file, wake_settings
from stapes.errors import StapesError
from stapes.files import check_output, write_text
from stapes.link.protocol import WAKE_STAGE
from stapes.plain import draw, plain, say
from stapes.progress import may_draw

if TYPE_CHECKING:
    from stapes.device.decoder import Detection
    from stapes.replay import Replayed, Scored

EXAMPLE = """  stapes replay --model model.tflite test.wav --output detections.txt
  stapes replay --program build/host/boards/stapes-firmware test.wav
  stapes replay --board mps2_an386 --model model.tflite test.wav
  stapes replay --board mps2_an386 --image build/m4/boards/stapes-firmware.elf test.wav
  stapes replay --model words --wake jarvis test.wav --json
  stapes replay --port /dev/ttyACM0 --json --scores clips/
  mkfifo said; stapes monitor --port said &
  stapes replay --port /dev/ttyACM0 --tee said test.wav"""

_REDRAW_SECONDS = 0.2
_SHORT_SECONDS = 2.0  # a clip of one word, rather than audio with words in it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.link.transport import PortSettings

    parser.add_argument(
        "audio",
        type=Path,
        metavar="WAV|DIR",
        help=f"mono, of the model's rate ({', '.join(AUDIO_SUFFIXES)})",
    )
    parser.add_argument("--model", type=model_file, help="a .tflite file, run in this process")
    add_wake_flags(parser)
    parser.add_argument("--program", type=Path, help="stapes-firmware, built for this machine")
    parser.add_argument("--board", help="an emulated board, e.g. mps2_an386")
    parser.add_argument("--image", type=Path, help="stapes-firmware.elf, built for --board")
    parser.add_argument("--port", help="a board's serial port or a pyserial URL")
    add_flags(parser, PortSettings)
    parser.add_argument(
        "--tee", type=Path, help="a FIFO for what the board says: stapes monitor --port FIFO"
    )
    parser.add_argument("--json", action="store_true", help="print JSON objects, one a line")
    parser.add_argument("--scores", action="store_true", help="with --json: every frame's scores")
    parser.add_argument("--output", type=Path, help="write the lines to this file, not the screen")


def run(arguments: argparse.Namespace) -> int:
    from stapes.firmware.build import emulator_image
    from stapes.replay import open_player

    _check(arguments)
    awake = wake_settings(arguments)
    lines: list[str] = []
    short: list[Path] = []
    tell = (lambda line: lines.append(plain(line) + "\n")) if arguments.output else say

    image = arguments.image
    if arguments.board is not None and image is None:
        image = emulator_image(
            arguments.board, model=arguments.model, wake=arguments.wake, awake=awake
        )
    with open_player(
        model=arguments.model if arguments.board is None else None,
        wake=arguments.wake,
        awake=awake,
        program=arguments.program,
        board=arguments.board,
        image=image,
        port=arguments.port,
        baud=arguments.baud,
        send_scores=arguments.scores or arguments.tee is not None,  # the monitor cannot ask
        tee=arguments.tee,
    ) as player:
        for path in _recordings(arguments.audio):
            samples = read_audio(path, sample_rate=player.sample_rate)
            if arguments.audio.is_dir() and not arguments.json:
                tell(f"# {path}")
            with _Progress(path, len(samples), player.sample_rate) as progress:

                def on_detection(
                    found: Detection, path: Path = path, progress: _Progress = progress
                ) -> None:
                    progress.clear()
                    tell(_detection_line(found, path, arguments.json))

                replayed = player.play(
                    samples, on_progress=progress.update, on_detection=on_detection
                )
            if arguments.json:
                for line in _json_lines(replayed, path, scores=arguments.scores):
                    tell(line)
            if not replayed.detections and len(samples) < _SHORT_SECONDS * player.sample_rate:
                short.append(path)
    _note_short(short)
    if arguments.output:
        write_text(arguments.output, "".join(lines))
    return 0


def _check(arguments: argparse.Namespace) -> None:
    given = [
        name
        for name in ("model", "program", "board", "port")
        if getattr(arguments, name) is not None
    ]
    if len(given) != 1 and given != ["model", "board"]:
        found = " and ".join(f"--{name}" for name in given) or "none"
        raise StapesError(
            f"replay: found {found}, expected one of --model, --program, --board, --port; "
            "say where the firmware runs"
        )
    if arguments.wake is not None and arguments.model is None:
        raise StapesError(
            "--wake: expected --model as well; a firmware that is built has its wake word inside"
        )
    if arguments.image is not None and given != ["board"]:
        raise StapesError("replay: --image is for --board, without --model; leave one of them out")
    if arguments.scores and not arguments.json:
        raise StapesError("replay: --scores needs --json; add it")
    if arguments.tee is not None and given == ["model"]:
        raise StapesError("replay: --tee needs a link, --model has none; leave one of them out")
    if arguments.output is not None:
        given_files = (arguments.model, arguments.wake, arguments.program, arguments.image)
        heard = _recordings(arguments.audio)
        check_output(arguments.output, inputs=[*heard, *filter(None, given_files)])


def _recordings(audio: Path) -> list[Path]:
    if not audio.is_dir():
        return [audio]
    paths = audio_files(audio, "**/*")
    if not paths:
        raise StapesError(
            f"{audio}: found no recordings in it, expected some ({', '.join(AUDIO_SUFFIXES)}); "
            "choose another folder"
        )
    return paths


def _note_short(paths: list[Path]) -> None:
    """Clips of one word without a detection: what people try first."""
    if paths:
        others = f" and {len(paths) - 1} more" * (len(paths) > 1)
        say(
            f"replay: {paths[0]}{others}: no detection in less than {_SHORT_SECONDS:g} s. The "
            "decoder averages scores over some time, so a word needs sound before and after it. "
            "To name the word of a clip: stapes label_wav",
            to=sys.stderr,
        )


def _detection_line(found: Detection, path: Path, as_json: bool) -> str:
    if not as_json:
        return f"{found.label}, {found.time_ms}, {found.score:.4f}"
    entry = {"event": "detection", "file": str(path), "time_ms": found.time_ms}
    if found.of_wake_word:
        entry["stage"] = WAKE_STAGE
    return _json({**entry, "label": found.label, "score": round(found.score, 5)})


def _json_lines(replayed: Replayed, path: Path, *, scores: bool) -> Iterator[str]:
    wake = replayed.wake
    said = _scores_of(replayed, {}) if scores else []
    if wake is not None:
        said += _scores_of(wake, {"stage": WAKE_STAGE}) if scores else []
        for state, times_ms in (("woken", replayed.woken_ms), ("asleep", replayed.asleep_ms)):
            said += [{"event": state, "time_ms": time_ms} for time_ms in times_ms]
    for entry in sorted(said, key=lambda entry: entry["time_ms"]):
        yield _json({"event": entry.pop("event"), "file": str(path), **entry})
    counts = {"frames": replayed.frames}
    if wake is not None:
        counts["wake_frames"] = wake.frames
    yield _json({"event": "done", "file": str(path), **counts, "stats": replayed.stats})


def _scores_of(scored: Scored, stage: dict[str, str]) -> list[dict[str, Any]]:
    frames = zip(scored.times_ms.tolist(), scored.scores.tolist(), strict=True)
    return [{"event": "scores", **stage, "time_ms": time_ms, "q": q} for time_ms, q in frames]


def _json(values: dict[str, object]) -> str:
    return json.dumps(values, ensure_ascii=False)


class _Progress:
    """How far a file is, on a terminal only; a context that leaves the line clean."""

    def __init__(self, path: Path, samples: int, sample_rate: int) -> None:
        self._path, self._samples, self._sample_rate = path, samples, sample_rate
        self._started = self._shown = time.monotonic()
        self._terminal = may_draw(sys.stderr)

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def update(self, count: int) -> None:
        """`count` samples are taken now."""
        now = time.monotonic()
        if not self._terminal or now - self._shown < _REDRAW_SECONDS:
            return
        self._shown = now
        speed = count / self._sample_rate / (now - self._started)
        percent = 100 * count // self._samples
        draw(sys.stderr, f"\r\x1b[K{plain(self._path.name)}: {percent}%, {speed:.1f} x real time ")

    def clear(self) -> None:
        """Takes the line away, so that a detection can be printed."""
        if self._terminal:
            draw(sys.stderr, "\r\x1b[K")
