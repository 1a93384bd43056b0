# SPDX-License-Identifier: Apache-2.0
"""The wheel alone, in an environment without the checkout, from a folder of the user's."""

from __future__ import annotations

import json
import os
import re
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli.main import COMMANDS, main
from stapes.firmware.tools import BUILD_TOOLS, EMULATOR, missing_tools

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """A Python with the wheel and its dependencies, without the editable install."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "-qq", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (wheel,) = folder.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(packages)
    # Folders that a .pth file names come last, and Python does not read their own .pth files.
    others = [*site.getsitepackages(), *filter(_is_packages, sys.path)]
    (packages / "others.pth").write_text("\n".join(others) + "\n")
    return folder / "venv" / "bin" / "python"


def _is_packages(path: str) -> bool:
    return path.endswith("site-packages")


@pytest.fixture
def stapes(python, tmp_path):
    """Runs a command of the wheel in an empty folder; returns what it prints."""
    folder = tmp_path / "anywhere"
    folder.mkdir()
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    environment.pop("PYTHONPATH", None)

    def run(*words: str) -> str:
        command = [str(python), "-m", "stapes", *words]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_wheel_is_not_the_checkout(python):
    where = [str(python), "-c", "import stapes; print(stapes.__file__)"]
    found = subprocess.run(where, cwd="/", capture_output=True, text=True, check=True).stdout
    assert str(ROOT) not in found and "site-packages" in found


def test_the_wheel_brings_the_same_models_and_boards_as_the_checkout(stapes, capsys):
    for command in ("models", "boards"):
        theirs = [json.loads(line) for line in stapes(command, "--json").splitlines()]
        assert main([command, "--json"]) == 0
        ours = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        for entry in (*theirs, *ours):
            entry.pop("path", None)
        assert theirs == ours and len(ours) > 2


def test_every_file_of_the_firmware_and_of_the_boards_is_the_checkouts(python):
    (tree,) = python.parents[1].glob("lib/python*/site-packages/stapes/tree")
    files = [path for path in tree.rglob("*") if path.is_file()]
    assert {path.relative_to(tree).parts[0] for path in files} >= {"firmware", "boards", "cmake"}
    for path in files:
        assert path.read_bytes() == (ROOT / path.relative_to(tree)).read_bytes()
    sources = {path.relative_to(ROOT) for path in (ROOT / "firmware").rglob("*.cc")}
    assert sources <= {path.relative_to(tree) for path in files}


def test_every_command_is_there(python):
    program = "from stapes.cli.main import *; [print(build_parser(name).prog) for name in COMMANDS]"
    done = subprocess.run([str(python), "-c", program], cwd="/", capture_output=True, text=True)
    assert done.stdout.split() == ["stapes"] * len(COMMANDS), done.stderr


def test_images_are_built_in_a_folder_of_the_users(stapes, tmp_path):
    commands = stapes("flash", "micro", "--board", "rpi_pico", "--dry_run")
    assert f"-B {tmp_path / 'cache' / 'stapes'}/" in commands


def test_an_emulated_board_hears_what_this_machine_does(stapes, tmp_path):
    if missing := missing_tools(*BUILD_TOOLS, EMULATOR):
        pytest.skip(f"{missing[0]} is not installed")
    noise = np.random.default_rng(1).normal(0, 3000, 2 * 16000).astype(np.int16)
    write_wav(tmp_path / "test.wav", noise, sample_rate=16000)
    run = ["replay", str(tmp_path / "test.wav"), "--model", "micro", "--json"]
    heard, here = (stapes(*run, *more) for more in (("--board", "mps2_an386"), ()))
    assert [json.loads(line).get("frames") for line in heard.splitlines()] == [99]
    assert _events(heard) == _events(here)


ALL_BUT_BOARDS = """
import sys
from pathlib import Path
import numpy as np
from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.library.write import FORMS

generator = np.random.default_rng(1)
for word in ("yes", "no", "other"):
    for speaker in range(12):
        noise = generator.normal(0, 3000, 16000).astype(np.int16)
        Path("clips", word).mkdir(parents=True, exist_ok=True)
        write_wav(f"clips/{word}/{speaker}_nohash_0.wav", noise, sample_rate=16000)
made = "stream make --data_dir clips --model micro --test_duration_seconds 20 --partition training"
for name in ("a", "b"):
    files = f" --output_audio_file {name}.wav --output_labels_file {name}.txt"
    assert main((made + files).split()) == 0
for line in [
    "label_wav --model micro --wav clips/yes/0_nohash_0.wav",
    "info micro",
    "evaluate micro --data_dir clips --testing_percentage 60",
    "stream score --model micro --wav a.wav --ground_truth a.txt",
    "tune micro --wav a.wav --labels a.txt --verify_wav b.wav --verify_labels b.txt"
    " --fa_per_hour 1000 --modes streaming --output_file tuned.tflite",
    "listen tuned.tflite --wav a.wav --seconds 0.1 --plain",
    "data check --data_dir clips",
    *(f"library tuned.tflite --form {form} --output_dir library/{form}" for form in FORMS),
]:
    assert main(line.split()) == 0, line
"""


def test_everything_but_boards_runs_without_the_checkout(python, tmp_path):
    done = subprocess.run(
        [str(python), "-c", ALL_BUT_BOARDS], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Next: stapes replay --model micro a.wav" in done.stdout
    assert (tmp_path / "library" / "zephyr" / "zephyr" / "module.yml").is_file()
    assert (tmp_path / "library" / "cmsis-pack" / "Stapes.micro.pdsc").is_file()


def _events(lines: str) -> list[dict[str, object]]:
    events = [json.loads(line) for line in lines.splitlines()]
    return [{**event, "stats": None} for event in events]


def test_extras_that_messages_and_pages_name_exist():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    files = [*(ROOT / "host").rglob("*.py"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    named = {
        name
        for path in files
        for names in re.findall(r"stapes\[([\w,]+)\]|EXTRAS=([\w,]+)", path.read_text())
        for name in "".join(names).split(",")
    }
    assert {"train", "flash", "audio"} <= named <= set(extras)


def test_no_page_has_pip_install_the_checkout_over_an_editable_one():
    for path in [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]:
        assert not re.search(r"pip install (?!-e)'?\.", path.read_text()), path
