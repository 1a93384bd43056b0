#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draw the pictures of README.md: what a model makes of a recording, and the monitor's live view.

    stapes data speak yes no left cat --clips 20 --output_dir build/try/clips
    stapes stream make --data_dir build/try/clips --model models/micro/model.tflite \
        --partition training --test_duration_seconds 30 \
        --output_audio_file build/try/stream.wav --output_labels_file build/try/stream.txt
    docs/images/draw.py build/try/stream.wav --program build/x86/boards/stapes-firmware

Writes heard.png and live_view.svg beside this script; the first is what `stapes spectrogram` draws.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import time
from pathlib import Path

import numpy as np
from rich.console import CONSOLE_SVG_FORMAT, Console

from stapes.audio.wav import read_wav
from stapes.device.bundle import ModelBundle
from stapes.files import write_bytes, write_text
from stapes.link.live_view import LiveView
from stapes.link.protocol import LineReader, LinkCounts
from stapes.pictures.spectrogram import DeviceView, SpectrogramSettings, drawing_png

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COLOURS = 256
SECONDS = 10  # of the recording that heard.png shows
COLUMNS = 72
AFTER_DETECTION_MS = 200  # when the live view is taken, so that bar and word are both there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wav", type=Path, help="a recording at the model's sample rate")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "micro" / "model.tflite")
    parser.add_argument(
        "--program", type=Path, required=True, help="stapes-firmware with the model"
    )
    arguments = parser.parse_args()
    write_bytes(HERE / "heard.png", heard_png(arguments.model, arguments.wav))
    write_text(HERE / "live_view.svg", live_view_svg(arguments.program, arguments.wav))


def heard_png(model: Path, wav: Path) -> bytes:
    """Waveform, spectrogram, device features, scores and detections, one below the other."""
    bundle = ModelBundle.from_file(model)
    front_end = bundle.settings.front_end
    samples = read_wav(wav, sample_rate=front_end.sample_rate)[: SECONDS * front_end.sample_rate]
    view = DeviceView(settings=front_end, quantization=bundle.quantization)
    return drawing_png(samples, SpectrogramSettings(), view, bundle, colours=COLOURS)


def live_view_svg(program: Path, wav: Path) -> str:
    """The live view just after the third detection, from what the firmware said until then."""
    said = subprocess.run([program, "--scores", wav], capture_output=True, check=True).stdout
    view = LiveView(LinkCounts(), console=Console(file=io.StringIO(), width=COLUMNS + 3))
    found, until = 0, np.inf
    started = time.monotonic()
    for event in LineReader().feed(said):
        at_ms = event.number("time_ms")
        if at_ms > until:
            break
        time.sleep(max(0.0, started + at_ms / 1000 - time.monotonic()))
        view.show(event)
        found += event.name == "detection"
        if found == 3:
            found, until = found + 1, at_ms + AFTER_DETECTION_MS
    paper = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    paper.print(view.panel(time.monotonic()))
    # The viewer's own font will do: a page with the picture fetches nothing.
    form = re.sub(r"@font-face \{\{.*?\}\}", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return paper.export_svg(title="stapes monitor", code_format=form)


if __name__ == "__main__":
    main()
