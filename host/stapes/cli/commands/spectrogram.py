# SPDX-License-Identifier: Apache-2.0
"""Draw a recording: its waveform, its spectrogram and its features as the device sees them.

The features are the int8 numbers that the firmware's front end gives its network. The settings are
those of --model, or those of the flags. With --model, its scores and the words that it detects are
drawn as well. --plain writes only the grey spectrogram of TensorFlow's
wav_to_spectrogram, one pixel per value."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stapes.cli.flags import add_flags, from_flags
from stapes.cli.shared_flags import add_front_end_arguments, front_end_settings, model_file
from stapes.errors import StapesError
from stapes.options import setting
from stapes.plain import say

EXAMPLE = """  stapes spectrogram yes.wav --model yes_no.tflite
  stapes spectrogram yes.wav --preprocess logmel --upper_edge_hertz 7600 --output_image yes.png
  stapes spectrogram yes.wav --plain --window_size 1024 --stride 512 --brightness 64"""


@dataclass(frozen=True, kw_only=True)
class PartFlags:
    """Which part of the recording is drawn."""

    start_seconds: float = setting(0.0, least=0, most=1e6, help="where to begin")
    seconds: float = setting(10.0, above=0, most=1e6, help="how much at most")
    resample: bool = setting(False, help="convert a recording of another rate, or stereo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from stapes.pictures.spectrogram import SpectrogramSettings

    add = parser.add_argument
    add("wav", type=Path, metavar="WAV", help="a recording: WAV, FLAC, Ogg, Opus or MP3, mono")
    add("--output_image", type=Path, default=Path("spectrogram.png"),
        help="the PNG file to write (default: %(default)s)")  # fmt: skip
    add(
        "--model",
        type=model_file,
        help="take the settings of this .tflite file, and draw its scores too",
    )
    add("--plain", action="store_true", help="only the spectrogram, grey, time downwards")
    add_flags(parser, SpectrogramSettings)
    add_flags(parser, PartFlags)
    add_front_end_arguments(parser.add_argument_group("front end, without --model"))


def run(arguments: argparse.Namespace) -> int:
    from stapes.audio.reader import read_audio
    from stapes.device.bundle import ModelBundle
    from stapes.files import check_output, write_bytes
    from stapes.pictures.spectrogram import DeviceView, SpectrogramSettings, drawing_png, plain_png

    settings = from_flags(SpectrogramSettings, arguments)
    given = [arguments.wav, *filter(None, [arguments.model])]
    check_output(arguments.output_image, inputs=given)
    bundle = ModelBundle.from_file(arguments.model) if arguments.model else None
    front_end = bundle.settings.front_end if bundle else front_end_settings(arguments)
    rate = front_end.sample_rate
    samples = read_audio(arguments.wav, sample_rate=rate, resample=arguments.resample)
    samples = _part(samples, rate, arguments)
    if arguments.plain:
        picture = plain_png(samples, settings)
    else:
        view = DeviceView.for_samples(front_end, samples)
        if bundle:
            view = DeviceView(settings=front_end, quantization=bundle.quantization)
        picture = drawing_png(samples, settings, view, bundle)
    write_bytes(arguments.output_image, picture)
    say(f"{arguments.output_image}: {len(samples) / rate:.2f} s of {arguments.wav}")
    return 0


def _part(samples: Any, rate: int, arguments: argparse.Namespace) -> Any:
    if arguments.start_seconds >= len(samples) / rate:
        raise StapesError(
            f"--start_seconds={arguments.start_seconds:g}: found {len(samples) / rate:.2f} s of "
            "audio, expected a place in it; choose an earlier one"
        )
    start = int(arguments.start_seconds * rate)
    return samples[start : start + max(1, int(arguments.seconds * rate))]
