"""Draw a recording: its waveform, its spectrogram and its features as the device sees them.

The features are the int8 numbers that the firmware's front end gives its network, with the settings
of --model, or with those of the flags. --plain writes the bare grey spectrogram of TensorFlow's
wav_to_spectrogram, a pixel per value."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from stapes.cli.commands.shared import add_pcen_arguments, pcen_settings
from stapes.errors import StapesError
from stapes.model.settings import FrontEndSettings

EXAMPLE = """  stapes spectrogram yes.wav --model yes_no.tflite
  stapes spectrogram yes.wav --preprocess logmel --upper_edge_hertz 7600 --output_image yes.png
  stapes spectrogram yes.wav --plain --window_size 1024 --stride 512 --brightness 64"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("wav", type=Path, metavar="WAV", help="a recording: WAV, FLAC or Ogg, mono")
    add("--output_image", type=Path, default=Path("spectrogram.png"), help="(%(default)s)")
    add("--window_size", type=int, default=256, help="of the spectrogram, samples (%(default)s)")
    add("--stride", type=int, default=128, help="of the spectrogram, samples (%(default)s)")
    add("--brightness", type=float, default=64.0,
        help="factor on what the spectrogram shows; higher is brighter (%(default)s)")  # fmt: skip
    add("--plain", action="store_true", help="only the spectrogram, grey, time downwards")
    add("--start_seconds", type=float, default=0.0, help="where to begin (%(default)s)")
    add("--seconds", type=float, default=10.0, help="how much at most (%(default)s)")
    add("--resample", action="store_true", help="convert another rate, or stereo")
    group = parser.add_argument_group("front end, without --model")
    device = group.add_argument
    parser.add_argument("--model", type=Path, help="a .tflite file with the front end's settings")
    device("--preprocess", choices=("mfcc", "logmel", "pcen"), default="mfcc", help="(%(default)s)")
    device("--sample_rate", type=int, default=16000, help="Hz (%(default)s)")
    device("--window_size_ms", type=float, default=30.0, help="of a frame (%(default)s)")
    device("--window_stride_ms", type=float, default=20.0, help="from frame to frame (%(default)s)")
    device("--feature_bin_count", type=int, default=40, help="features per frame (%(default)s)")
    device("--lower_edge_hertz", type=float, default=20.0, help="of the filters (%(default)s)")
    device("--upper_edge_hertz", type=float, default=4000.0, help="of the filters (%(default)s)")
    add_pcen_arguments(group)


def run(arguments: argparse.Namespace) -> int:
    from stapes.audio.reader import read_audio
    from stapes.files import check_output, write_bytes
    from stapes.pictures.spectrogram import DeviceView, SpectrogramSettings, drawing_png, plain_png

    settings = SpectrogramSettings(
        window_size=arguments.window_size,
        stride=arguments.stride,
        brightness=arguments.brightness,
    )
    given = [arguments.wav, *filter(None, [arguments.model])]
    check_output(arguments.output_image, inputs=given)
    front_end, quantization = _of_model(arguments) if arguments.model else (_own(arguments), None)
    rate = front_end.sample_rate
    samples = read_audio(arguments.wav, sample_rate=rate, resample=arguments.resample)
    samples = _part(samples, rate, arguments)
    if arguments.plain:
        picture = plain_png(samples, settings)
    else:
        view = DeviceView.for_samples(front_end, samples)
        if quantization:
            view = DeviceView(settings=front_end, quantization=quantization)
        picture = drawing_png(samples, settings, view)
    write_bytes(arguments.output_image, picture)
    print(f"{arguments.output_image}: {len(samples) / rate:.2f} s of {arguments.wav}")
    return 0


def _part(samples: Any, rate: int, arguments: argparse.Namespace) -> Any:
    if not 0 <= arguments.start_seconds < len(samples) / rate or not arguments.seconds > 0:
        raise StapesError(
            f"--start_seconds={arguments.start_seconds:g} --seconds={arguments.seconds:g}: found "
            f"{len(samples) / rate:.2f} s of audio, expected a part of it"
        )
    start = int(arguments.start_seconds * rate)
    return samples[start : start + max(1, int(min(arguments.seconds, 1e6) * rate))]


def _of_model(arguments: argparse.Namespace) -> tuple[FrontEndSettings, Any]:
    from stapes.device.engine import Engine
    from stapes.device.features import Quantization
    from stapes.model.metadata import load_model

    model, settings = load_model(arguments.model)
    engine = Engine.from_bytes(model, source=str(arguments.model))
    steps = Quantization(scale=engine.input_scale, zero_point=engine.input_zero_point)
    return settings.front_end, steps


def _own(arguments: argparse.Namespace) -> FrontEndSettings:
    mfcc, bins = arguments.preprocess == "mfcc", arguments.feature_bin_count
    return FrontEndSettings(
        sample_rate=arguments.sample_rate,
        window_size_ms=arguments.window_size_ms,
        window_stride_ms=arguments.window_stride_ms,
        channel_count=max(40, bins) if mfcc else bins,
        lower_edge_hertz=arguments.lower_edge_hertz,
        upper_edge_hertz=arguments.upper_edge_hertz,
        dct_coefficient_count=bins if mfcc else 0,
        pcen=pcen_settings(arguments),
    )
