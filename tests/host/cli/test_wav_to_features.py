# SPDX-License-Identifier: Apache-2.0
"""`stapes wav_to_features`: a C file that compiles and holds what the front end gives."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest
from tones import SAMPLE_RATE, sweep

from stapes.audio.wav import read_wav, write_wav
from stapes.cli.main import main
from stapes.device.front_end import FrontEnd
from stapes.device.pipeline import Pipeline
from stapes.model.settings import FrontEndSettings, PcenSettings

PRINT = """
#include <stdio.h>
#include "features.c"
int main(void) {
  printf("%d %d\\n", g_up_sweep_height, g_up_sweep_width);
  for (int n = 0; n < g_up_sweep_height * g_up_sweep_width; ++n)
    printf("%.9g\\n", (double)g_up_sweep_data[n]);
}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_wav("Up-sweep.wav", sweep(400, 1600, seed=5), sample_rate=SAMPLE_RATE)
    return tmp_path


def compiled(*arguments: str) -> np.ndarray:
    """What a C compiler makes of the file: [frames, features]."""
    files = ["--input_wav", "Up-sweep.wav", "--output_c_file", "features.c"]
    assert main(["wav_to_features", *files, *arguments]) == 0
    with open("main.c", "w") as main_file:  # noqa: PTH123
        main_file.write(PRINT)
    subprocess.run(["cc", "-std=c99", "-Wall", "-Werror", "main.c", "-o", "main"], check=True)
    words = subprocess.run(["./main"], capture_output=True, text=True, check=True).stdout.split()
    height, width, *values = map(float, words)
    return np.array(values).reshape(int(height), int(width))


def test_floats_are_close_to_tensorflows_operators(folder):
    tf = pytest.importorskip("tensorflow")
    found = compiled("--sample_rate", "8000", "--window_stride_ms", "10")
    samples = read_wav("Up-sweep.wav").astype(np.float32) / 32768
    spectrogram = tf.raw_ops.AudioSpectrogram(
        input=samples[:, None], window_size=240, stride=80, magnitude_squared=True
    )
    expected = tf.raw_ops.Mfcc(
        spectrogram=spectrogram,
        sample_rate=8000,
        upper_frequency_limit=4000,
        lower_frequency_limit=20,
        filterbank_channel_count=40,
        dct_coefficient_count=40,
    )[0].numpy()
    assert found.shape == expected.shape == (98, 40)
    assert np.abs(found - expected).mean() < 0.05


def test_quantized_they_are_the_same_in_the_steps_that_the_file_names(folder):
    real = compiled("--sample_rate", "8000")
    stored = compiled("--sample_rate", "8000", "--quantize")
    text = (folder / "features.c").read_text()
    zero_point, scale = text.split("(stored - ")[1].split(".\n")[0].split(") * ")
    assert "int8_t g_up_sweep_data[]" in text
    assert np.abs((stored - float(zero_point)) * float(scale) - real).max() <= 0.51 * float(scale)


def test_with_a_model_they_are_what_the_model_takes(folder, small_model):
    (folder / "model.tflite").write_bytes(small_model())
    write_wav("Up-sweep.wav", sweep(400, 1600, seed=5).repeat(2), sample_rate=16000)
    expected = Pipeline.from_file("model.tflite").process(read_wav("Up-sweep.wav")).inputs
    assert np.array_equal(compiled("--model", "model.tflite"), expected)


def test_the_file_says_how_it_was_made(folder):
    compiled("--sample_rate", "8000", "--preprocess", "logmel")
    first = (folder / "features.c").read_text().splitlines()[0]
    assert first == (
        "// Written by: stapes wav_to_features --input_wav Up-sweep.wav "
        "--output_c_file features.c --preprocess logmel --sample_rate 8000"
    )
    frames = FrontEnd(
        FrontEndSettings(sample_rate=8000, dct_coefficient_count=0), scale=0.1, zero_point=0
    ).process_float(read_wav("Up-sweep.wav"))
    assert np.allclose(compiled("--sample_rate", "8000", "--preprocess", "logmel"), frames)


def test_normalised_energies_have_flags_of_their_own(folder):
    found = compiled("--sample_rate", "8000", "--preprocess", "pcen", "--pcen_alpha", "0.5")
    settings = FrontEndSettings(
        sample_rate=8000, dct_coefficient_count=0, pcen=PcenSettings(alpha=0.5)
    )
    expected = FrontEnd(settings, scale=0.1, zero_point=0).process_float(read_wav("Up-sweep.wav"))
    assert np.allclose(found, expected)
    first, second = (folder / "features.c").read_text().splitlines()[:2]
    assert first.endswith("--preprocess pcen --sample_rate 8000 --pcen_alpha 0.5")
    assert second == "// Rows are frames of 40 features; normalised energies."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sample_rate", "16000"], "found 8000 Hz, expected 16000 Hz"),
        (
            ["--sample_rate", "8000", "--clip_duration_ms", "20"],
            "found a clip shorter than a frame",
        ),
        (["--sample_rate", "8000", "--clip_duration_ms", "0"], "--clip_duration_ms=0"),
        (["--sample_rate", "8000", "--output_c_file", "none/x.c"], "none/x.c: cannot be written"),
        (["--model", "Up-sweep.wav"], "Up-sweep.wav"),
        (["--output_c_file", "Up-sweep.wav"], "Up-sweep.wav: found an input of this command"),
    ],
)
def test_mistakes_are_told_in_one_line_and_leave_no_file(folder, capsys, arguments, message):
    before = (folder / "Up-sweep.wav").read_bytes()
    files = ["--input_wav", "Up-sweep.wav", "--output_c_file", "features.c"]
    assert main(["wav_to_features", *files, *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["Up-sweep.wav"]
    assert (folder / "Up-sweep.wav").read_bytes() == before
