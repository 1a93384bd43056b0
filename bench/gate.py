#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a silence gate saves: the load of the firmware over a stream, without it and behind it.

    bench/gate.py gated.tflite --wav stream.wav --labels stream.txt

The model brings its gate (`stapes tune --gate`). The program counts over the whole stream how often
the network runs, and which words are lost. The emulator of a board (-icount: instructions, not
cycles) plays the first seconds with both firmwares, and gives the instructions of a frame and of an
inference. The load over the whole stream is computed from these. Needs cmake,
arm-none-eabi-g++ and qemu-system-arm.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stapes.audio.wav import map_wav
from stapes.device.bundle import ModelBundle
from stapes.device.gate import gate_ring_bytes
from stapes.errors import StapesError
from stapes.files import write_bytes
from stapes.firmware.build import cmake_commands, image
from stapes.firmware.emulator import instructions_of
from stapes.firmware.measure import count_instructions
from stapes.firmware.model_folder import emit_model
from stapes.firmware.tools import run_tool
from stapes.model.metadata import write_settings
from stapes.replay import open_player
from stapes.stream.accuracy import ScoreSettings
from stapes.stream.curve import Material
from stapes.stream.gate_tuning import GateScore, Recording, score_gate
from stapes.stream.labels import read_truth
from stapes.stream.score_track import load_track

ROOT = Path(__file__).resolve().parent.parent
FIRMWARE = ROOT / "boards" / "common" / "run_firmware.cc"


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Of some seconds of audio on a board: instructions, frames with scores, inferences."""

    instructions: int
    frames: int
    inferences: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("model", type=Path, help="a model with a gate")
    add("--wav", type=Path, nargs="+", required=True, help="streams")
    add("--labels", type=Path, nargs="+", required=True, help="a ground truth for each of them")
    add("--board", default="mps2_an386", help="an emulated board (%(default)s)")
    add("--seconds", type=int, default=10, help="of audio on the board (%(default)d)")
    add("--build_dir", type=Path, default=ROOT / "build" / "bench" / "gate")
    add("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    try:
        report = measure(arguments)
    except StapesError as error:
        sys.exit(f"gate.py: {error}")
    print(json.dumps(report, indent=2) if arguments.json else as_text(report))


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Stream -> figures, beside those of a frame and an inference on the board.

    Raises:
        StapesError: the model has no gate, or something cannot be read, built or run.
    """
    bundle = ModelBundle.from_file(arguments.model)
    if bundle.settings.gate is None:
        raise StapesError(f"{arguments.model}: found no gate, expected one; stapes tune --gate")
    audio, _ = map_wav(arguments.wav[0])
    piece = np.asarray(audio[: arguments.seconds * bundle.settings.front_end.sample_rate])
    gated = count(bundle, piece, arguments.board, arguments.build_dir / "gated")
    settings = replace(bundle.settings, gate=None)
    plain = count(replace(bundle, settings=settings), piece, arguments.board,
                  arguments.build_dir / "plain")  # fmt: skip
    inference = count_instructions(bundle.model, ROOT, board=arguments.board).inference
    frame = (gated.instructions - gated.inferences * inference) / gated.frames
    whole = plain.instructions / plain.frames
    streams = {}
    for wav, labels in zip(arguments.wav, arguments.labels, strict=True):
        score = score_stream(arguments.model, bundle, wav, labels)
        per_second = score.inferences / (score.without.duration_ms / 1000)
        streams[wav.name] = {
            **score.figures(),
            "instructions_per_second_without": round(per_second * whole),
            "instructions_per_second_behind": round(per_second * (frame + score.duty * inference)),
        }
    return {
        "board": arguments.board,
        "frame_instructions_without": round(whole),
        "skipped_frame_instructions": round(frame),
        "inference_instructions": inference,
        "ram_bytes": gate_ring_bytes(bundle.settings),
        "streams": streams,
    }


def count(bundle: ModelBundle, audio: NDArray[np.int16], board: str, folder: Path) -> Counted:
    """Lets an emulated board hear the audio.

    Raises:
        StapesError: the firmware cannot be built or run.
    """
    model = folder / "model.tflite"
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(model, write_settings(bundle.model, bundle.settings))
    emit_model(model, folder / "model")
    for command in cmake_commands(
        ROOT, folder / "build", board=board, model=folder / "model", main=FIRMWARE
    ):
        run_tool(command)
    built = image(folder / "build", "elf")
    with open_player(board=board, image=built, send_scores=False) as player:
        stats = player.play(audio).stats
    return Counted(
        instructions=instructions_of(stats["busy_ticks"], stats),
        frames=stats["frames"],
        inferences=stats["inferences"],
    )


def score_stream(model: Path, bundle: ModelBundle, wav: Path, labels: Path) -> GateScore:
    """The stream without the gate and behind it."""
    samples, _ = map_wav(wav)
    track = load_track(model, wav, behind_gate=False)
    heard = Recording(
        samples=samples, material=Material(track=track, ground_truth=read_truth(labels))
    )
    settings = bundle.settings
    assert settings.gate is not None
    scoring = ScoreSettings(clip_duration_ms=settings.clip_duration_ms)
    return score_gate([heard], settings.gate, settings.decoder, scoring=scoring)


def as_text(report: dict[str, Any]) -> str:
    """For people."""
    lines = [
        f"{report['board']}: {report['frame_instructions_without']:,} instructions a frame without "
        f"a gate; {report['skipped_frame_instructions']:,} a skipped frame; "
        f"{report['inference_instructions']:,} an inference; {report['ram_bytes']:,} bytes of RAM",
    ]
    for name, found in report["streams"].items():
        without, behind = (
            found[f"instructions_per_second_{side}"] for side in ("without", "behind")
        )
        skipped = 100 * found["skipped"] / found["frames"]
        lines.append(
            f"{name}: {without / 1e6:.2f} M instructions a second without, {behind / 1e6:.2f} M "
            f"behind it ({without / behind:.2f}x less); {skipped:.1f}% of the frames skipped, "
            f"the network runs {100 * found['duty']:.1f}%; "
            f"{found['correct_without'] - found['correct_behind']} of {found['correct_without']} "
            f"detected words lost; false accepts {found['false_accepts_without']} and "
            f"{found['false_accepts_behind']}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
