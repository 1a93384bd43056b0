# SPDX-License-Identifier: Apache-2.0
"""`stapes library`: folders that other build systems build, which hear what Stapes hears."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from stapes.cli.main import main
from stapes.device.pipeline import Pipeline
from stapes.library.write import FORMS, render_library, write_library
from stapes.model.metadata import load_model, write_settings

ROOT = Path(__file__).resolve().parents[3]
MICRO = ROOT / "models" / "micro" / "model.tflite"


@pytest.fixture(scope="module")
def loose(tmp_path_factory) -> Path:
    """`micro` with a threshold so low that a buzz is heard as words."""
    model, settings = load_model(MICRO)
    decoder = dataclasses.replace(
        settings.decoder,
        detection_threshold=0.01,
        minimum_count=1,
        average_window_duration_ms=60,
    )
    path = tmp_path_factory.mktemp("loose") / "loose.tflite"
    path.write_bytes(write_settings(model, dataclasses.replace(settings, decoder=decoder)))
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """The folder of each form, with `micro` inside."""
    top = tmp_path_factory.mktemp("library")
    for form in FORMS:
        assert main(["library", "micro", "--form", form, "--output_dir", str(top / form)]) == 0
    return {form: top / form for form in FORMS}


@pytest.fixture(scope="module")
def audio() -> np.ndarray:
    """Ten seconds of a buzz that comes and goes. int16."""
    time_s = np.arange(10 * 16000) / 16000
    buzz = np.sign(np.sin(2 * np.pi * 120 * time_s))
    return (9000 * buzz * (np.sin(2 * np.pi * 0.8 * time_s) > 0.3)).astype(np.int16)


def heard_by_stapes(model: Path, audio: np.ndarray) -> list[str]:
    """Lines as the example prints them."""
    found = Pipeline.from_file(model).process(audio).detections
    return [f"{item.label}, {item.time_ms}, {item.score:.4f}" for item in found]


def build(folder: Path, build_dir: Path, *options: str) -> None:
    """Configures and builds a folder with CMake."""
    for tool in ("cmake", "ninja"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    configure = ["cmake", "-G", "Ninja", "-S", str(folder), "-B", str(build_dir), *options]
    for command in (configure, ["cmake", "--build", str(build_dir)]):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("example", ["pipe", "c"])
def test_the_cmake_form_hears_what_stapes_hears(loose, audio, tmp_path, example):
    write_library(loose, tmp_path / "spotter", form="cmake")
    build(tmp_path / "spotter" / "examples" / example, tmp_path / "build")
    program = tmp_path / "build" / ("pipe" if example == "pipe" else "pipe_in_c")
    done = subprocess.run([program], input=audio.tobytes(), capture_output=True, check=True)
    assert done.stdout.decode().splitlines() == heard_by_stapes(loose, audio) != []


@pytest.mark.parametrize("form", FORMS)
def test_equal_models_give_equal_bytes(folders, form):
    files = render_library(MICRO, form=form)
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        assert (folders[form] / name).read_bytes() == data
    written = {path.relative_to(folders[form]).as_posix() for path in folders[form].rglob("*")}
    assert set(files) <= written


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_names_its_licence_and_the_training_data(folders, form):
    assert "Apache License" in (folders[form] / "LICENSE").read_text()
    assert "Pete Warden" in (folders[form] / "ATTRIBUTION.txt").read_text()
    assert "What was tried" in (folders[form] / "README.md").read_text()


@pytest.mark.parametrize("form", FORMS)
def test_every_include_of_the_sources_is_in_the_folder(folders, form):
    source = folders[form] / "src"
    for path in source.rglob("*.*"):
        for name in re.findall(r'#include "([^"]+)"', path.read_text()):
            if not name.startswith("nn_tflm/"):  # the other engine
                assert (source / name).is_file(), f"{path}: {name}"


def test_only_operators_that_the_model_has_are_there(folders):
    names = {path.stem for path in (folders["cmake"] / "src").glob("stapes/nn/operators/*.cc")}
    assert {"svdf", "fully_connected", "softmax"} <= names
    assert not names & {"conv_2d", "tanh", "call_once"}


def test_a_folder_of_something_else_is_not_replaced(tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    words = ["library", "micro", "--form", "cmake", "--output_dir", str(tmp_path)]
    assert main(words) == 2
    assert "mine.txt" in capsys.readouterr().err and (tmp_path / "mine.txt").is_file()


def test_the_arduino_form_follows_the_library_specification(folders):
    """arduino.github.io/arduino-cli/latest/library-specification: properties, layout, names."""
    folder = folders["arduino"]
    lines = (folder / "library.properties").read_text().splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,62}", properties["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", properties["version"])
    required = {"author", "maintainer", "sentence", "paragraph", "category", "url", "architectures"}
    assert required <= set(properties)
    assert properties["category"] == "Signal Input/Output"
    assert (folder / "src" / properties["includes"]).is_file()
    sketches = list((folder / "examples").glob("*/*.ino"))
    assert len(sketches) == 3 and all(path.stem == path.parent.name for path in sketches)
    for line in (folder / "keywords.txt").read_text().splitlines():
        assert re.fullmatch(r"\w+\t(KEYWORD1|KEYWORD2|LITERAL1)", line)


@pytest.mark.parametrize("sketch", ["Nano33BleSense", "Esp32S3I2s", "PicoI2s"])
def test_arduino_sketches_compile_against_the_calls_that_they_make(folders, sketch):
    path = folders["arduino"] / "examples" / sketch / f"{sketch}.ino"
    command = ["g++", "-std=gnu++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++"]
    command += [f"-I{folders['arduino'] / 'src'}", f"-I{Path(__file__).parent / 'arduino'}"]
    done = subprocess.run(
        [*command, "-include", "Arduino.h", str(path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_platformio_form_states_what_its_schema_wants(folders):
    library = json.loads((folders["platformio"] / "library.json").read_text())
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,50}", library["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", library["version"])
    assert library["license"] == "Apache-2.0" and library["description"]
    for header in library["headers"]:
        assert (folders["platformio"] / "src" / header).is_file()


def test_the_esp_idf_form_registers_every_source(folders):
    folder = folders["esp-idf"]
    listed = re.findall(r'"(src/[^"]+\.cc)"', (folder / "CMakeLists.txt").read_text())
    there = {path.relative_to(folder).as_posix() for path in (folder / "src").rglob("*.cc")}
    assert set(listed) == there and len(listed) == len(there) > 20
    component = (folder / "idf_component.yml").read_text()
    assert re.search(r'^version: "\d+\.\d+\.\d+"$', component, re.MULTILINE)
