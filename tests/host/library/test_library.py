# SPDX-License-Identifier: Apache-2.0
"""`stapes library`: folders that other build systems build, which hear what Stapes hears."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import kconfiglib
import numpy as np
import pytest
import yaml

from stapes.cli.main import main
from stapes.device.decoder import Detection
from stapes.device.pipeline import Pipeline
from stapes.device.wake import WakeStage, WakeTrace
from stapes.firmware.tools import EMULATOR, missing_tools
from stapes.library.write import FORMS, Models, render_library, write_library
from stapes.model.metadata import load_model, write_settings
from stapes.model.settings import ModelSettings, WakeSettings
from stapes.model.shipped import shipped_models
from wake_word import WAKE, WAKE_SEED, WOKEN, WOKEN_SCALE, loud_and_soft

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
MICRO = ROOT / "models" / "micro" / "model.tflite"


@pytest.fixture(scope="module")
def loose(tmp_path_factory) -> Models:
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
    return Models(model=path)


@pytest.fixture(scope="module")
def woken(tmp_path_factory, small_model) -> Models:
    """A small model that sleeps until another one hears its word."""
    folder = tmp_path_factory.mktemp("woken")
    (folder / "wake.tflite").write_bytes(small_model(WAKE, seed=WAKE_SEED))
    (folder / "woken.tflite").write_bytes(small_model(WOKEN, input_scale=WOKEN_SCALE))
    awake = WakeSettings(awake_seconds=0.5)
    return Models(model=folder / "woken.tflite", wake=folder / "wake.tflite", awake=awake)


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


def detections(models: Models, audio: np.ndarray) -> list[Detection]:
    """What Stapes itself hears."""
    if models.wake is None:
        return Pipeline.from_file(models.model).process(audio).detections
    return trace(models, audio).detections


def trace(models: Models, audio: np.ndarray) -> WakeTrace:
    model, wake_word = models.bundles()
    return WakeStage(wake_word, model, models.awake).process(audio)


def heard_by_stapes(models: Models, audio: np.ndarray) -> list[str]:
    """Lines as the example prints them."""
    found = detections(models, audio)
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


def test_the_examples_of_the_cmake_form_hear_what_stapes_hears(loose, audio, tmp_path):
    write_library(loose, tmp_path / "spotter", form="cmake")
    build_examples(tmp_path)
    for program in ("pipe/pipe", "c/pipe_in_c"):
        assert heard_by(tmp_path, program, audio) == heard_by_stapes(loose, audio) != []


def test_with_a_wake_word_the_same_examples_hear_both_models(woken, tmp_path):
    audio = loud_and_soft(4)
    write_library(woken, tmp_path / "spotter", form="cmake")
    build_examples(tmp_path, HERE / "wake")
    for program in ("pipe/pipe", "c/pipe_in_c"):
        assert heard_by(tmp_path, program, audio) == heard_by_stapes(woken, audio)
    briefly = dataclasses.replace(woken, awake=WakeSettings(awake_seconds=0.3))
    expected = trace(briefly, audio)
    lines = heard_by(tmp_path, "wake_main", audio)
    states = [line for line in lines if line in ("awake", "asleep")]
    assert [line for line in lines if line not in states] == [
        f"{item.label}, {item.time_ms}, {item.score_q16}, {item.of_wake_word:d}"
        for item in expected.detections
    ]
    assert {item.of_wake_word for item in expected.detections} == {True, False}
    assert states.count("asleep") == len(expected.asleep_ms) > 2
    assert states[::2] == ["awake"] * len(states[::2])


def build_examples(folder: Path, *more: Path) -> None:
    """The library's examples and more programs, in one build, so that the library is built once."""
    both = "cmake_minimum_required(VERSION 3.16)\nproject(both LANGUAGES C CXX)\n"
    both += "".join(f"add_subdirectory(spotter/examples/{name} {name})\n" for name in ("pipe", "c"))
    for place in more:
        both += f"add_executable({place.name}_main {place}/main.cc)\n"
        both += f"target_link_libraries({place.name}_main PRIVATE stapes::keyword_spotter)\n"
    (folder / "CMakeLists.txt").write_text(both)
    build(folder, folder / "build")


def heard_by(folder: Path, program: str, audio: np.ndarray) -> list[str]:
    done = subprocess.run(
        [folder / "build" / program], input=audio.tobytes(), capture_output=True, check=True
    )
    return done.stdout.decode().splitlines()


@pytest.mark.parametrize("which", ["loose", "woken"])
def test_the_cmake_form_hears_the_same_on_an_emulated_cortex_m4(request, audio, tmp_path, which):
    if missing := missing_tools("arm-none-eabi-g++", EMULATOR):
        pytest.skip(f"{missing[0]} is not installed")
    models = request.getfixturevalue(which)
    audio = audio[: len(audio) // 3] if which == "loose" else loud_and_soft(2)
    (tmp_path / "audio.inc").write_text(",\n".join(map(str, audio)) + "\n")
    write_library(models, tmp_path / "spotter", form="cmake")
    build(
        HERE / "an386",
        tmp_path / "build",
        f"-DCMAKE_TOOLCHAIN_FILE={HERE / 'an386' / 'toolchain.cmake'}",
        f"-DSPOTTER={tmp_path / 'spotter'}",
        f"-DAUDIO={tmp_path / 'audio.inc'}",
    )
    machine = ["-machine", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "none"]
    image = ["-semihosting-config", "enable=on,target=native", "-kernel", "build/heard"]
    command = [EMULATOR, *machine, *image]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    heard = [
        f"{item.label}, {item.time_ms}, {item.score_q16}, {item.of_wake_word:d}"
        for item in detections(models, audio)
    ]
    assert (done.stdout + done.stderr).splitlines() == heard != []
    assert done.returncode == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_with_a_wake_word_is_whole_and_names_both_models(form, woken):
    files = render_library(woken, form=form)
    sources = {name: text for name, text in files.items() if name.startswith("src/")}
    for name, text in sources.items():
        for included in re.findall(r'#include "([^"]+)"', text):
            assert included.startswith("nn_tflm/") or f"src/{included}" in sources, name
    compiled = {name for name in sources if name.endswith(".cc")}
    assert {"src/stapes/wake/settings.cc", "src/stapes/app/wake_stage.cc"} < compiled
    assert "src/stapes/spotter/KeywordSpotter.cc" not in compiled
    for listing in ("CMakeLists.txt", "Stapes.woken_after_wake.pdsc"):
        if listing in files and form != "arduino":
            assert all(name in files[listing] for name in compiled), listing
    assert files["stapes_library.txt"].count("sha256 ") == 2
    assert "hears yes, no, and for 0.5 s after it yes, no, go" in files["README.md"]


def test_a_wake_word_of_another_rate_is_refused(tmp_path, capsys, small_model):
    front_end = dataclasses.replace(WAKE.front_end, sample_rate=8000)
    slow = tmp_path / "slow.tflite"
    slow.write_bytes(small_model(dataclasses.replace(WAKE, front_end=front_end)))
    words = ["library", "micro", "--wake", str(slow), "--form", "cmake"]
    assert main([*words, "--output_dir", str(tmp_path / "out")]) == 2
    assert "found a model for 8000 Hz, expected 16000 Hz" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", FORMS)
def test_equal_models_give_equal_bytes(folders, form):
    files = render_library(Models(model=MICRO), form=form)
    for name, text in files.items():
        data = text if isinstance(text, bytes) else text.encode()
        assert (folders[form] / name).read_bytes() == data
    written = {path.relative_to(folders[form]).as_posix() for path in folders[form].rglob("*")}
    assert set(files) <= written


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_names_its_licence_and_the_training_data(folders, form):
    assert "Apache License" in (folders[form] / "LICENSE").read_text()
    told = (folders[form] / "ATTRIBUTION.txt").read_text()
    assert f"these terms:\n\n{shipped_models()['micro'].card['data']}\n" in told
    assert "What was tried" in (folders[form] / "README.md").read_text()


def test_a_folder_tells_what_the_model_itself_says_of_its_data(small_model, tmp_path):
    path, labels = tmp_path / "small.tflite", ("_silence_", "_unknown_", "yes", "no")
    for provenance, told in (
        ({"attribution": "Of Ada,\nCC\x1b BY"}, "\n\nOf Ada,\nCC\\u001b BY\n"),
        ({}, "does not say on what data"),
    ):
        path.write_bytes(small_model(ModelSettings(name="s", labels=labels, provenance=provenance)))
        assert told in render_library(Models(model=path), form="cmake")["ATTRIBUTION.txt"]


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


def test_the_manifest_of_the_esp_idf_form_is_one(folders):
    """Checked by the manifest's reference in the documentation of the ESP component registry."""
    manifest = yaml.safe_load((folders["esp-idf"] / "idf_component.yml").read_text())
    assert set(manifest) <= {"version", "description", "url", "license", "targets", "dependencies"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    assert isinstance(manifest["description"], str) and manifest["license"] == "Apache-2.0"
    assert re.fullmatch(r">=\d+\.\d+(\.\d+)?", manifest["dependencies"]["idf"])


def test_the_esp_idf_form_compiles_for_riscv32(folders, tmp_path):
    """Plain C++ for the instructions of an ESP32-C3, without ESP-IDF itself."""
    if missing := missing_tools("riscv64-unknown-elf-g++", "arm-none-eabi-g++"):
        pytest.skip(f"{missing[0]} is not installed")
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(component CXX)\n"
        "set(CMAKE_CXX_STANDARD 17)\n"
        "file(GLOB_RECURSE sources ${COMPONENT}/src/*.cc)\n"
        "add_library(component STATIC ${sources})\n"
        "target_include_directories(component PRIVATE ${COMPONENT}/src)\n"
        "target_compile_options(component PRIVATE -Wall -Wextra -Werror -fno-exceptions)\n"
    )
    build(
        tmp_path,
        tmp_path / "build",
        f"-DCMAKE_TOOLCHAIN_FILE={ROOT / 'boards/common/riscv/riscv64-unknown-elf.cmake'}",
        "-DSTAPES_CPU_FLAGS=-march=rv32imc -mabi=ilp32",
        "-DCMAKE_BUILD_TYPE=Release",
        f"-DCOMPONENT={folders['esp-idf']}",
    )
    assert (tmp_path / "build" / "libcomponent.a").stat().st_size > 20_000


def test_the_zephyr_form_is_a_module(folders):
    """Checked by Zephyr's scripts/schemas/module-schema.yaml: names, types, existing paths."""
    folder = folders["zephyr"]
    module = yaml.safe_load((folder / "zephyr" / "module.yml").read_text())
    assert set(module) == {"name", "build", "samples"}
    assert re.fullmatch(r"[a-z0-9_]+", module["name"])
    assert set(module["build"]) == {"cmake", "kconfig"}
    assert (folder / module["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert (folder / module["build"]["kconfig"]).is_file()
    for place in module["samples"]:
        (sample,) = (folder / place).glob("*/sample.yaml")
        tests = yaml.safe_load(sample.read_text())["tests"]
        assert all(test["build_only"] for test in tests.values())
        boards = {
            path.stem.replace("_nrf52840", "/nrf52840")
            for path in sample.parent.glob("*/*.overlay")
        }
        allowed = {name for test in tests.values() for name in test["platform_allow"]}
        assert {name.replace("/sense", "_sense") for name in allowed} == boards


def test_the_options_of_the_zephyr_sample_turn_the_module_on(folders, monkeypatch):
    monkeypatch.setenv("MODULE", str(folders["zephyr"]))
    options = kconfiglib.Kconfig(str(HERE / "zephyr" / "Kconfig"), warn_to_stderr=False)
    assert options.syms["STAPES_KEYWORD_SPOTTER"].str_value == "n"
    options.load_config(str(folders["zephyr"] / "samples" / "dmic" / "prj.conf"))
    assert options.syms["STAPES_KEYWORD_SPOTTER"].str_value == "y"
    assert options.syms["REQUIRES_FULL_LIBCPP"].str_value == "y"
    options.syms["STD_CPP11"].set_value(2)
    assert options.syms["STAPES_KEYWORD_SPOTTER"].str_value == "n", "it needs C++17"
    unknown = [text for text in options.warnings if "STAPES" in text or "CPP" in text]
    assert unknown == []


def test_the_zephyr_sample_hears_what_stapes_hears(loose, audio, tmp_path):
    """Built by its own CMakeLists.txt, with stand-ins for Zephyr's calls."""
    write_library(loose, tmp_path / "module", form="zephyr")
    sample = tmp_path / "module" / "samples" / "dmic"
    build(HERE / "zephyr", tmp_path / "build", f"-DSAMPLE={sample}")
    done = subprocess.run([tmp_path / "build" / "app"], input=audio.tobytes(), capture_output=True)
    *heard, end = done.stdout.decode().splitlines()
    assert end == "microphone: error -11", "that of a read at the end of the audio"
    found = detections(loose, audio)
    assert heard != [] and heard == [
        f"{item.label}, {item.time_ms}, {item.score_q16 * 100 // 65536}%" for item in found
    ]


def test_the_pack_describes_every_file_of_the_cmsis_form(folders):
    """docs of Open-CMSIS-Pack: names, versions, files; PACK.xsd itself was used by hand."""
    folder = folders["cmsis-pack"]
    package = ElementTree.parse(folder / "Stapes.micro.pdsc").getroot()
    assert (package.findtext("vendor"), package.findtext("name")) == ("Stapes", "micro")
    (release,) = package.findall("releases/release")
    assert re.fullmatch(r"\d+\.\d+\.\d+", release.attrib["version"])
    (component,) = package.findall("components/component")
    for part in ("Cclass", "Cgroup", "Csub"):
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_ ]{1,31}", component.attrib[part])
    assert component.attrib["Cversion"] == release.attrib["version"]
    conditions = {entry.attrib["id"] for entry in package.findall("conditions/condition")}
    assert component.attrib["condition"] in conditions
    files = [entry.attrib for entry in component.findall("files/file")]
    assert all((folder / entry["name"]).exists() for entry in files)
    listed = {entry["name"] for entry in files if entry["category"] == "source"}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.cc")}
    assert listed == there and len(listed) > 20


def test_the_pack_holds_the_folder(folders):
    folder = folders["cmsis-pack"]
    (pack,) = folder.glob("*.pack")
    assert pack.name == "Stapes.micro.0.1.0.pack"
    with zipfile.ZipFile(pack) as archive:
        names = {path for path in folder.rglob("*") if path.is_file() and path != pack}
        assert set(archive.namelist()) == {path.relative_to(folder).as_posix() for path in names}
        for name in archive.namelist():
            assert archive.read(name) == (folder / name).read_bytes()
            assert archive.getinfo(name).date_time[0] == 1980


def test_the_template_of_the_pack_compiles(folders):
    folder = folders["cmsis-pack"]
    command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
    source = folder / "templates" / "hear_words.cc"
    done = subprocess.run(
        [*command, f"-I{folder / 'src'}", str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
