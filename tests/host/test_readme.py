# SPDX-License-Identifier: Apache-2.0
"""README.md: every command runs as written, at a terminal, and the screen looks right."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Folders that the commands write. Builds stay, so that the next run compiles only changed files.
WRITTEN = ("try", "mine", "wake")


def blocks(heading: str) -> list[str]:
    """The indented blocks below a heading."""
    section = README.partition(f"\n## {heading}")[2].partition("\n## ")[0]
    assert section, f"README.md has no heading {heading!r}"
    return [
        re.sub(r"(?m)^    ", "", block) for block in re.findall(r"(?:^    .*\n)+", section, re.M)
    ]


def shortened(block: str) -> str:
    """The same commands in little time; the last of equal flags counts. Boards that nobody has are
    not flashed."""
    commands = block.replace("\\\n", " ").splitlines()
    return "\n".join(command + _more(command) for command in commands)


def _more(command: str) -> str:
    if command.startswith("stapes train "):
        return " --how_many_training_steps 1 --batch_size 4"
    if command.startswith("stapes stream make "):
        return " --test_duration_seconds 15"
    if command.startswith("stapes data speak ") and "--clips 20 " not in command:
        return " --clips 30 --seed 5"  # whose ten speakers are in all partitions
    if command.startswith("stapes listen "):
        return " --wav build/try/stream.wav"
    if command.startswith("stapes flash --board ") and not command.endswith("--dry_run"):
        return " --dry_run"
    if command.startswith("stapes page ") and "--serve" in command:
        return " --port 0"
    return ""


@pytest.fixture(scope="module")
def checkout() -> Path:
    """A copy of the source tree, by links, in which commands may write."""
    for tool in (
        *("espeak-ng", "arm-none-eabi-g++", "qemu-system-arm", "cmake", "ninja"),
        *("clang++", "wasm-ld"),
    ):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = ROOT / "build" / "tests" / "readme"
    folder.mkdir(parents=True, exist_ok=True)
    for path in ROOT.iterdir():
        if path.name[0] != "." and path.name != "build":
            with contextlib.suppress(FileExistsError):
                (folder / path.name).symlink_to(path)
    for name in WRITTEN:
        shutil.rmtree(folder / "build" / name, ignore_errors=True)
    return folder


@pytest.fixture
def environment() -> dict[str, str]:
    """A path with the package's commands."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture
def port(firmware, tmp_path) -> Iterator[Path]:
    """A serial port with the firmware at its other end."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    board = subprocess.Popen(
        [firmware.program, "--link"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    for read, write in (
        (lambda: os.read(ours, 4096), board.stdin.write),
        (lambda: board.stdout.read(4096), lambda data: os.write(ours, data)),
    ):
        threading.Thread(target=_carry, args=(read, write), daemon=True).start()
    (tmp_path / "tty").symlink_to(os.ttyname(theirs))
    yield tmp_path / "tty"
    board.kill()
    board.wait()
    os.close(theirs)


def _carry(read, write) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := read():
            write(data)


def assert_live_view(terminal: Terminal, *, title: str, labels: tuple[str, ...]) -> None:
    """One whole frame, with a row for each label, and nothing drawn over it."""
    lines = terminal.lines
    assert "Traceback" not in terminal.text and sum(line[:1] == "╭" for line in lines) == 1
    top = max(row for row, line in enumerate(lines) if line.startswith("╭"))
    bottom = max(row for row, line in enumerate(lines) if line.startswith("╰"))
    inside = lines[top + 1 : bottom]
    assert title in lines[top]
    assert inside and all(line[0] == line[-1] == "│" for line in inside), terminal.text
    assert len({len(line) for line in lines[top : bottom + 1]}) == 1
    for label in labels:
        assert any(re.match(rf"│ +{label} +[━╸╺ ]+ \d\.\d\d", line) for line in inside), (
            terminal.text
        )


def test_the_make_commands_and_linked_pages_exist():
    commands = [line for block in blocks("Start") for line in block.splitlines()]
    targets = [command.split()[-1] for command in commands if "make " in command]
    assert {"demo", "test", "setup"} <= set(targets)
    subprocess.run(["make", "-n", *targets], cwd=ROOT, check=True, capture_output=True)
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert len(links) > 10
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_command_runs_at_a_terminal(checkout, environment, port):
    """All commands of the page, from top to bottom: later ones use the files of earlier ones."""
    model_is_tried(checkout, environment)
    page_is_served(checkout, environment)
    words_are_trained(checkout, environment)
    board_hears_the_same(checkout, environment)
    board_is_watched(checkout, environment, port)


def model_is_tried(checkout: Path, environment: dict[str, str]) -> None:
    terminal = Terminal(checkout, environment=environment)
    *tried, spoken_to = blocks("Try a shipped model (two minutes)")
    for block in tried:
        terminal.run(shortened(block))
    assert re.search(r"^yes \(score = 0\.\d+\)$", terminal.text, re.M)
    assert (checkout / "build" / "try" / "yes.png").stat().st_size > 1000
    assert heard(terminal), terminal.text
    terminal = Terminal(checkout, environment=environment)
    terminal.run(shortened(spoken_to), until=r" s  (yes|no)  0\.\d+")
    assert_live_view(terminal, title="this machine: micro", labels=("yes", "no"))


def page_is_served(checkout: Path, environment: dict[str, str]) -> None:
    (block,) = blocks("Speak to a model in the browser")
    terminal = Terminal(checkout, environment=environment)
    terminal.run(shortened(block.strip()), until=r"Ctrl-C ends it")
    assert re.search(r"^The page is at http://localhost:\d+/$", terminal.text, re.M), terminal.text
    assert "Traceback" not in terminal.text


def words_are_trained(checkout: Path, environment: dict[str, str]) -> None:
    terminal = Terminal(checkout, environment=environment)
    for heading in ("Train your own words", "Make a wake word", "Tune"):
        for block in blocks(heading):
            terminal.run(shortened(block))
    for name in ("mine/yes_no.tflite", "wake/hey_stapes.tflite", "mine/tuned.tflite"):
        assert (checkout / "build" / name).stat().st_size > 1000
    assert "verified on" in terminal.text
    assert "\x1b" not in terminal.text and "Traceback" not in terminal.text


def board_hears_the_same(checkout: Path, environment: dict[str, str]) -> None:
    flash, two_models, replay = blocks("Put it on a board")
    terminal = Terminal(checkout, environment=environment)
    terminal.run(shortened(flash))
    assert "pyocd" in terminal.text
    terminal.run(two_models)
    assert "--wake" in terminal.text
    terminal.run(shortened(replay))
    here = Terminal(checkout, environment=environment)
    here.run(blocks("Try a shipped model (two minutes)")[-2].splitlines()[-1])
    assert heard(terminal) == heard(here)


def board_is_watched(checkout: Path, environment: dict[str, str], port: Path) -> None:
    board, emulated = blocks("Replay and monitor")
    board = board.replace("/dev/ttyACM0", str(port))
    terminal = Terminal(checkout, environment=environment)
    terminal.run(board, until=r"_unknown_ +[━╸╺]")
    assert nothing_lost(terminal)
    assert_live_view(terminal, title="host: small", labels=("_silence_", "_unknown_", "yes", "no"))
    terminal = Terminal(checkout, environment=environment)
    terminal.run(emulated, until=r" s  (yes|no)  0\.\d+")
    assert nothing_lost(terminal)
    assert_live_view(terminal, title="mps2_an386: micro", labels=("yes", "no"))


def nothing_lost(terminal: Terminal) -> bool:
    pattern = r"^stapes: \d+ events, 0 damaged lines, 0 missing"
    return re.search(pattern, terminal.text, re.M) is not None


def heard(terminal: Terminal) -> list[str]:
    """The detections on the screen, as `stapes replay` prints them."""
    return re.findall(r"^(?:yes|no), \d+, 0\.\d{4}$", terminal.text, re.M)
