# SPDX-License-Identifier: Apache-2.0
"""Write the features of a recording as a C array, for tests on a device.

With --model, they are quantized as the model takes them. With --quantize, int8 covers the whole
range of the front end. Otherwise they are float. Rows of the array are frames."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stapes.cli.flags import add_flags
from stapes.cli.shared_flags import add_front_end_arguments, front_end_settings, model_file
from stapes.errors import StapesError
from stapes.model.settings import ModelSettings
from stapes.options import setting
from stapes.plain import say

if TYPE_CHECKING:
    from stapes.device.features import Quantization
    from stapes.model.settings import FrontEndSettings

EXAMPLE = """  stapes wav_to_features --model build/yes_no.tflite \\
      --input_wav speech_commands/yes/a5d485dc_nohash_0.wav --output_c_file yes_features.c"""


@dataclass(frozen=True, kw_only=True)
class ArrayFlags:
    """How the features are written."""

    quantize: bool = setting(False, valued=True, help="write int8, not float")
    resample: bool = setting(False, help="convert a recording of another rate, or stereo")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--input_wav", type=Path, required=True, help="the recording")
    add("--output_c_file", type=Path, required=True, help="the C file to write")
    add("--model", type=model_file, help="take front end and quantization from this .tflite file")
    add_flags(parser, ArrayFlags)
    front_end = parser.add_argument_group("front end, without --model")
    add_flags(front_end, ModelSettings, only=["clip_duration_ms"])
    add_front_end_arguments(front_end)


def run(arguments: argparse.Namespace) -> int:
    from stapes.corpus.clips import load_clips
    from stapes.device.c_array import c_source
    from stapes.device.front_end import FrontEnd
    from stapes.files import check_output, write_text

    given = [arguments.input_wav, *filter(None, [arguments.model])]
    check_output(arguments.output_c_file, inputs=given)
    settings, clip_duration_ms, quantization = _settings(arguments)
    clip = load_clips(
        [arguments.input_wav],
        sample_rate=settings.sample_rate,
        samples=settings.sample_rate * clip_duration_ms // 1000,
        resample=arguments.resample,
    )[0]
    front_end = FrontEnd(settings, scale=quantization.scale, zero_point=quantization.zero_point)
    quantized = arguments.model or arguments.quantize
    features = front_end.process(clip) if quantized else front_end.process_float(clip)
    if not len(features):
        raise StapesError(
            f"--clip_duration_ms={clip_duration_ms}: found a clip shorter than a frame, expected "
            f"at least --window_size_ms={settings.window_size_ms:g}"
        )
    name = re.sub(r"\W", "_", arguments.input_wav.stem.lower(), flags=re.ASCII)
    plain = "normalised energies" if settings.pcen else "natural logarithms"
    comment = f"real value = (stored - {quantization.zero_point}) * {quantization.scale:.9g}"
    text = c_source(
        name,
        features,
        command=_command(arguments),
        comment=comment if quantized else plain,
    )
    write_text(arguments.output_c_file, text)
    kind = "int8" if quantized else "float"
    say(f"{arguments.output_c_file}: {len(features)} frames of {features.shape[1]} {kind}")
    return 0


def _settings(arguments: argparse.Namespace) -> tuple[FrontEndSettings, int, Quantization]:
    """Front end, length of a clip in milliseconds, and how features are stored."""
    from stapes.device.features import widest_quantization

    if arguments.model:
        from stapes.device.bundle import ModelBundle

        bundle = ModelBundle.from_file(arguments.model)
        return bundle.settings.front_end, bundle.settings.clip_duration_ms, bundle.quantization
    front_end = front_end_settings(arguments)
    return front_end, arguments.clip_duration_ms, widest_quantization(front_end)


def _command(arguments: argparse.Namespace) -> str:
    """What was asked for, in one line, but for the folders of files."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    defaults = vars(parser.parse_args(["--input_wav", "", "--output_c_file", ""]))
    words = ["stapes", "wav_to_features"]
    for name, default in defaults.items():
        value = getattr(arguments, name)
        if value != default:
            value = value.name if isinstance(value, Path) else value
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    line = "".join(letter if letter.isprintable() else "?" for letter in shlex.join(words))
    return line.rstrip("\\")  # which would make the next line part of the comment
