# SPDX-License-Identifier: Apache-2.0
"""The generated model folder: whole, reproducible, and exactly what the firmware compiles in."""

import errno
import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from stapes._native import operators
from stapes.cli.main import main
from stapes.device.engine import Engine
from stapes.firmware.model_folder import FILES
from stapes.model.settings import DecoderSettings, FrontEndSettings, ModelSettings
from stapes.model.shipped import shipped_models

FIRMWARE = Path(__file__).parents[3] / "firmware"
COMPILERS = {
    "g++": ["g++"],
    "clang++": ["clang++"],
    "arm": ["arm-none-eabi-g++", "-mcpu=cortex-m4", "-mthumb"],
}
FLAGS = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wconversion"]
FLAGS += ["-fno-exceptions", "-fno-rtti", f"-I{FIRMWARE}"]


@pytest.fixture
def model(tmp_path, small_model) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return path


def emit(model: Path, folder: Path) -> int:
    return main(["emit", str(model), "--output_dir", str(folder)])


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_whose_data_a_model_was_trained_on_is_told_beside_its_sources(small_model, tmp_path):
    told = "Of Ada, CC BY 4.0\nOf Bob\x1b[2J, CC0"
    for provenance, expected in (
        ({"attribution": told}, "\nOf Ada, CC BY 4.0\nOf Bob\\u001b[2J, CC0\n"),
        ({}, "does not say on what data"),
        ({"attribution": 7}, "does not say on what data"),
    ):
        path, out = tmp_path / "small.tflite", tmp_path / "out"
        labels = ("_silence_", "_unknown_", "yes", "no")
        settings = ModelSettings(name="small", labels=labels, provenance=provenance)
        path.write_bytes(small_model(settings))
        assert emit(path, out) == 0
        assert expected in (out / "ATTRIBUTION.txt").read_text()


@pytest.mark.parametrize("name", shipped_models())
def test_whose_data_a_shipped_model_was_trained_on_is_told_too(name, tmp_path):
    """The card of the model says it; the file does not."""
    path = shipped_models()[name].path
    assert emit(path, tmp_path / "out") == 0
    assert shipped_models()[name].card["data"] in (tmp_path / "out/ATTRIBUTION.txt").read_text()


def test_each_of_two_models_tells_its_own_data(tmp_path):
    models = shipped_models()
    told = {"": models["words"].card["data"], "wake": models["jarvis"].card["data"]}
    command = ["emit", "words", "--wake", "jarvis", "--output_dir", str(tmp_path / "out")]
    assert main(command) == 0
    for folder, data in told.items():
        assert data in (tmp_path / "out" / folder / "ATTRIBUTION.txt").read_text()


def test_each_file_names_the_model_and_the_command(model, tmp_path):
    assert emit(model, tmp_path / "out") == 0
    files = texts(tmp_path / "out")
    assert set(files) == set(FILES)
    for text in files.values():
        assert hashlib.sha256(model.read_bytes()).hexdigest() in text
        assert "small.tflite" in text
        assert "stapes emit small.tflite --output_dir" in text


def test_equal_models_give_equal_bytes_wherever_they_lie(model, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(model, elsewhere / "small.tflite")
    assert emit(model, tmp_path / "a") == 0
    assert emit(elsewhere / "small.tflite", tmp_path / "b" / "deep") == 0
    assert texts(tmp_path / "a") == texts(tmp_path / "b" / "deep")
    assert str(tmp_path) not in "".join(texts(tmp_path / "a").values())


def test_the_model_bytes_come_back_from_the_array(model, tmp_path):
    assert emit(model, tmp_path / "out") == 0
    array = texts(tmp_path / "out")["model_data.cc"].partition("= {")[2]
    assert bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})", array)) == (
        model.read_bytes()
    )


def test_only_the_operators_of_the_model_are_named(model, tmp_path):
    assert emit(model, tmp_path / "out") == 0
    named = re.findall(r"&(\w+),", texts(tmp_path / "out")["operators.cc"])
    assert named == ["kOperatorFullyConnected", "kOperatorSoftmax", "kOperatorWideSvdf"]


def test_every_operator_of_the_engine_is_listed_and_has_a_file():
    folder = FIRMWARE / "nn" / "operators"
    lines = re.findall(
        r"^STAPES_(WIDE_)?OPERATOR\((\w+), +(\w+),",
        (folder / "operator_list.inc").read_text(),
        re.M,
    )
    listed = {("Wide" if wide else "") + symbol: name for wide, symbol, name in lines}
    defined = dict(
        pair
        for path in folder.glob("*.cc")
        for pair in re.findall(
            r'const Operator kOperator(\w+) = \{[^"]*"(\w+)"', path.read_text(), re.S
        )
    )
    assert len(set(listed.values())) == len(operators()) > 0
    assert defined == listed


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_folder_compiles_without_a_warning(model, tmp_path, compiler):
    command = COMPILERS[compiler]
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    assert emit(model, tmp_path / "out") == 0
    sources = sorted(str(path) for path in (tmp_path / "out").glob("*.cc"))
    for source in sources:
        subprocess.run([*command, *FLAGS, "-fsyntax-only", source], check=True)


PROGRAM = """
#include <cstdio>
#include "stapes_model.h"
int main() {
  const stapes::ModelBundle& m = stapes::kModel;
  std::printf("%s|%s|%u %u|", m.name, m.sha256, m.label_count, m.feature_count);
  for (unsigned i = 0; i < m.label_count; ++i) std::printf("%s,", m.labels[i]);
  std::printf("|%u %u %u|", m.sample_rate, m.window_samples, m.stride_samples);
  std::printf("%zu %d|", m.model.size(), static_cast<int>(reinterpret_cast<uintptr_t>(
              m.model.data()) % 16));
  std::printf("%d %u %u %u %u %u|", m.decoder.silence_label, m.decoder.frame_capacity,
              m.decoder.minimum_count, m.decoder.average_window_ms, m.decoder.threshold_q16,
              m.decoder.suppression_ms);
  for (unsigned i = 0; i < m.label_count; ++i) std::printf("%u ", m.decoder.thresholds_q16[i]);
  std::printf("%u %d %d %d|", m.decoder.hysteresis_q16,
              m.decoder.mode == stapes::DecoderMode::kStreaming, m.decoder.retrigger,
              m.decoder.tutorial_times);
  std::printf("%zu %zu %zu", m.arena_bytes, m.front_end_work_bytes, m.decoder_work_bytes);
}
"""


def test_a_program_sees_the_settings_of_the_model(tmp_path, small_model):
    settings = ModelSettings(
        name='Büro "eins" \\',
        labels=("jà", "_unknown_", "_silence_", "what?"),
        front_end=FrontEndSettings(sample_rate=8000, window_stride_ms=10),
        decoder=DecoderSettings(
            average_window_duration_ms=500,
            detection_threshold=0.7,
            suppression_ms=1500,
            minimum_count=4,
            label_thresholds={"what?": 0.25},
            hysteresis=0.1,
            mode="streaming",
            retrigger=True,
        ),
    )
    model = tmp_path / "m.tflite"
    model.write_bytes(small_model(settings))
    assert emit(model, tmp_path / "out") == 0
    (tmp_path / "main.cc").write_text(PROGRAM)
    # Only the constants are linked. They point to operators, which are not there.
    sources = [tmp_path / "main.cc", tmp_path / "out" / "model_data.cc"]
    sources += [tmp_path / "out" / "settings.cc", tmp_path / "out" / "frontend_tables.cc"]
    fake = tmp_path / "operators.cc"
    fake.write_text(
        '#include "stapes_model.h"\n'
        "namespace stapes { const Operator* const kOperators[3] = {}; }\n"
    )
    program = tmp_path / "program"
    command = ["g++", *FLAGS, f"-I{tmp_path / 'out'}", "-o", program, fake, *sources]
    subprocess.run([str(word) for word in command], check=True)
    printed = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    parts = printed.split("|")
    engine = Engine.from_file(model)
    assert parts[0] == settings.name
    assert parts[1] == hashlib.sha256(model.read_bytes()).hexdigest()
    assert parts[2] == "4 40"
    assert parts[3] == "jà,_unknown_,_silence_,what?,"
    assert parts[4] == "8000 240 80"
    assert parts[5] == f"{len(model.read_bytes())} 0"
    # 501 ms at 10 ms a frame: at most 51 scores; 0.7 in Q16, rounded up.
    assert parts[6] == "2 51 4 500 45876 1500"
    # In streaming mode, only words are detected: all other labels have a threshold of 1.
    assert parts[7] == "45876 65536 65536 16384 6554 1 1 0"
    arena, _, decoder = map(int, parts[8].split())
    assert 0 <= arena - engine.arena_used < 16
    assert decoder == (51 + 4 + 4) * 4 + (51 + 1) * 4


def test_the_arena_is_as_large_as_the_engine_needs_and_no_larger(model, tmp_path):
    assert emit(model, tmp_path / "out") == 0
    arena = int(re.search(r"kArenaBytes = (\d+)", texts(tmp_path / "out")["stapes_model.h"])[1])
    Engine(model.read_bytes(), arena)
    with pytest.raises(ValueError, match="needs"):
        Engine(model.read_bytes(), arena - 16)


def test_an_earlier_folder_is_replaced_as_a_whole(model, tmp_path):
    assert emit(model, tmp_path / "out") == 0
    before = texts(tmp_path / "out")
    (tmp_path / "out" / "settings.cc").write_text("old")
    (tmp_path / "out" / "model.cmake").unlink()
    assert emit(model, tmp_path / "out") == 0
    assert texts(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small.tflite"]


@pytest.mark.parametrize("stranger", ["notes.txt", "settings.cc"])
def test_a_folder_of_other_things_is_left_alone(model, tmp_path, capsys, stranger):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / stranger).write_text("mine")
    assert emit(model, tmp_path / "out") == 2
    assert str(tmp_path / "out") in capsys.readouterr().err
    assert texts(tmp_path / "out") == {stranger: "mine"}


def test_a_refused_model_leaves_no_folder(tmp_path, small_model, capsys):
    cases = {
        "without STAPES_SETTINGS": small_model(metadata=False),
        "found 39 features in, expected 40": small_model(features=39),
        "found 5 scores out, expected 4": small_model(outputs=5),
        "operator 2 COS": small_model(operator="COS"),
        "expected a .tflite model": b"RIFF....WAVE",
        "cut short": small_model()[:700],
    }
    for message, content in cases.items():
        (tmp_path / "m.tflite").write_bytes(content)
        assert emit(tmp_path / "m.tflite", tmp_path / "out") == 2, message
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert message in error
        assert "m.tflite" in error
        assert not (tmp_path / "out").exists()


def test_a_missing_model_is_named(tmp_path, capsys):
    assert emit(tmp_path / "none.tflite", tmp_path / "out") == 2
    assert "none.tflite: cannot be read" in capsys.readouterr().err


def test_a_window_of_more_frames_than_the_firmware_counts_is_refused(tmp_path, small_model, capsys):
    settings = ModelSettings(
        name="dense",
        labels=("_silence_", "yes"),
        front_end=FrontEndSettings(window_stride_ms=0.1),
        decoder=DecoderSettings(average_window_duration_ms=10000),
    )
    (tmp_path / "m.tflite").write_bytes(small_model(settings))
    assert emit(tmp_path / "m.tflite", tmp_path / "out") == 2
    assert "at most 65535" in capsys.readouterr().err


def test_a_link_to_the_folder_stays(model, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert emit(model, tmp_path / "link") == 0
    assert (tmp_path / "link").is_symlink()
    assert set(texts(tmp_path / "real")) == set(FILES)


def test_a_disk_that_fills_up_leaves_the_old_folder(model, tmp_path, monkeypatch, capsys):
    assert emit(model, tmp_path / "out") == 0
    before = texts(tmp_path / "out")

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert emit(model, tmp_path / "out") == 2
    assert "out: cannot be written (No space left" in capsys.readouterr().err
    assert texts(tmp_path / "out") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "small.tflite"]
