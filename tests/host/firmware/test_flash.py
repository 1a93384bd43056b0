# SPDX-License-Identifier: Apache-2.0
"""stapes flash with fake programs, which only note how they were called."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from stapes.cli import main as cli
from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.firmware import devices, emulated, flashers
from stapes.firmware.boards import all_boards
from stapes.firmware.devices import Port
from stapes.firmware.emulator import sandbox_words
from stapes.firmware.tools import EMULATOR, missing_tools
from stapes.link.session import Session
from stapes.link.transport import open_transport
from stapes.model.settings import (
    DecoderSettings,
    FrontEndSettings,
    GateSettings,
    ModelSettings,
)

SOURCE = Path(__file__).parents[3]
PROBE = {"unique_id": "000683", "info": "J-Link"}
FAKE_CMAKE = """
import pathlib, sys
if "--build" in sys.argv:
    folder = pathlib.Path(sys.argv[sys.argv.index("--build") + 1]) / "boards"
    folder.mkdir(parents=True)
    for suffix in ("elf", "bin", "hex", "uf2"):
        (folder / f"stapes-firmware.{suffix}").write_text(suffix)
    print("[1/1] linking\\nflash: 1 of 2 bytes\\nRAM:   3 of 4 bytes")
"""


class Bench:
    """PATH is only a folder of fake programs; `calls` are their command lines."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder = folder
        self.model = model
        self.build = folder / "build"
        self.log = folder / "calls"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in ("ninja", "arm-none-eabi-g++"):
            self.program(name)
        self.program("cmake", FAKE_CMAKE)

    def program(self, name: str, code: str = "") -> None:
        path = self.bin / name
        path.write_text(
            f"#!{sys.executable}\nimport shlex, sys\n"
            f"open({str(self.log)!r}, 'a').write(shlex.join([{name!r}, *sys.argv[1:]]) + '\\n')\n"
            + code
        )
        path.chmod(0o755)

    def pyocd(
        self, *probes: dict, targets: tuple[str, ...] = ("nrf52840",), status: int = 0
    ) -> None:
        answers = {
            "--probes": {"boards": probes},
            "--targets": {"targets": [{"name": t} for t in targets]},
        }
        self.program(
            "pyocd",
            "import json\n"
            f"answers = {answers!r}\n"
            "if sys.argv[1] == 'json': print(json.dumps(answers[sys.argv[2]])); sys.exit()\n"
            f"sys.exit({status})\n",
        )

    def flash(self, board: str, *flags: str) -> int:
        return cli.main(
            [
                *("flash", str(self.model), "--board", board, "--build_dir", str(self.build)),
                *("--source_dir", str(SOURCE), "--wait_seconds", "0", *flags),
            ]
        )

    @property
    def calls(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def image(self, suffix: str) -> str:
        return str(self.build / "boards" / f"stapes-firmware.{suffix}")


@pytest.fixture
def bench(tmp_path, small_model, monkeypatch):
    model = tmp_path / "my model.tflite"
    model.write_bytes(small_model())
    bench = Bench(tmp_path, model)
    monkeypatch.setenv("PATH", str(bench.bin))
    monkeypatch.setattr(devices, "ports", list)
    monkeypatch.setattr(devices, "MOUNTS", tmp_path / "mounts")
    (tmp_path / "mounts").write_text("")
    return bench


def error(capsys) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1].startswith("stapes: error: ")
    return lines[-1]


def test_every_real_board_says_how_it_is_flashed():
    for board in all_boards(SOURCE).values():
        if not board.emulated:
            assert flashers.flasher_of(board, flashers.Options())
            assert board.press != "connect it", board.name


def test_a_probe_gets_the_image(bench, capsys):
    bench.pyocd(PROBE)
    assert bench.flash("nrf52840dk") == 0
    assert bench.calls[-1] == shlex.join(
        ["pyocd", "flash", "--target", "nrf52840", bench.image("hex")]
    )
    said = capsys.readouterr().out
    assert "flash: 1 of 2 bytes" in said
    assert "switch the board on" in said
    assert str(SOURCE / "boards" / "nrf52840dk" / "README.md") in said
    assert said.splitlines()[-1].startswith("Next: stapes monitor")


def test_three_lines_say_that_it_fits_before_it_is_built(bench, capsys):
    bench.pyocd(PROBE)
    assert bench.flash("nrf52840dk") == 0
    verdict, flash, ram, *rest = capsys.readouterr().out.splitlines()
    assert verdict == "The model fits nrf52840dk (an estimate; the build says it exactly):"
    assert re.fullmatch(r"  flash  about [\d.]+ KB of 1,048.6 KB \(\d%\)", flash)
    assert re.fullmatch(r"  RAM    about [\d.]+ KB of 262.1 KB \(\d%\)", ram)
    assert rest[:2] == ["flash: 1 of 2 bytes", "RAM:   3 of 4 bytes"]


def test_a_model_that_cannot_fit_is_refused_before_it_is_built(bench, small_model, capsys):
    bench.model.write_bytes(small_model(memory=3000))
    assert bench.flash("microbit") == 2
    said = error(capsys)
    assert re.search(r"found [\d,]+ bytes of model and 36,\d{3} of memory for it", said)
    assert "microbit has: 262,144 of flash and 16,384 of RAM" in said
    assert bench.calls == [] and not bench.build.exists()


def test_a_model_that_may_not_fit_is_built_all_the_same(bench, small_model, capsys):
    bench.program(EMULATOR)
    bench.model.write_bytes(small_model(memory=1000))
    assert bench.flash("microbit") == 2, "the emulator ends by itself"
    said = capsys.readouterr().out
    assert said.startswith("The model does NOT seem to fit microbit")
    assert "flash: 1 of 2 bytes" in said


def test_one_of_several_probes_is_asked_for_by_name(bench, capsys):
    bench.pyocd(PROBE, {"unique_id": "0D28", "info": "DAPLink"})
    assert bench.flash("nrf52840dk") == 2
    assert "found 2 probes (000683, 0D28), expected one; pass --probe" in error(capsys)
    shutil.rmtree(bench.build)
    assert bench.flash("nrf52840dk", "--probe", "0D28") == 0
    assert "--uid 0D28" in bench.calls[-1]
    shutil.rmtree(bench.build)
    assert bench.flash("nrf52840dk", "--probe", "77") == 2
    assert "--probe 77: found 000683, 0D28" in error(capsys)


def test_a_pack_is_fetched_only_for_a_chip_that_pyocd_does_not_know(bench):
    bench.pyocd(PROBE)
    assert bench.flash("stm32f4_discovery") == 0
    assert "pyocd pack install stm32f407vg" in bench.calls
    shutil.rmtree(bench.build)
    bench.log.unlink()
    bench.pyocd(PROBE, targets=("stm32f407vg",))
    assert bench.flash("stm32f4_discovery") == 0
    assert not any(call.startswith("pyocd pack") for call in bench.calls)


def test_what_is_missing_is_said_before_or_after_the_build_with_the_remedy(bench, capsys):
    bench.pyocd()
    assert bench.flash("nrf52840dk") == 2
    assert "found no debug probe; connect the USB port" in error(capsys)
    (bench.bin / "pyocd").unlink()
    shutil.rmtree(bench.build)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(bench.bin / "python"))
        assert bench.flash("nrf52840dk") == 2
        assert "pyocd: not found, needed for flashing; run: pip install" in error(capsys)
        assert bench.flash("arduino_nano33ble_sense") == 2
        assert "bossac: not found" in error(capsys)
    assert not bench.build.exists()
    (bench.bin / "ninja").unlink()
    assert bench.flash("nrf52840dk") == 2
    assert "ninja: not found, needed to build a firmware; run: apt-get" in error(capsys)


def test_a_flasher_that_fails_and_a_build_that_fails_are_told_apart(bench, capsys):
    bench.pyocd(PROBE, status=3)
    assert bench.flash("nrf52840dk") == 2
    assert "pyocd: exit status 3, its output is above; check cable" in error(capsys)
    bench.program("cmake", "print('no such compiler'); sys.exit(1)")
    assert bench.flash("nrf52840dk") == 2
    said = capsys.readouterr().err
    assert (
        "no such compiler" in said
        and "exit status 1 (no such compiler); the end of its output is above" in said
    )


def test_a_model_that_is_none_is_the_only_complaint(bench, capsys):
    bench.pyocd(PROBE)
    bench.model.write_bytes(b"no model")
    assert bench.flash("nrf52840dk") == 2
    assert str(bench.model) in error(capsys)
    assert bench.calls == []


def test_the_boot_loader_of_the_nano_is_found_by_its_usb_id(bench, monkeypatch, capsys):
    bench.program("bossac")
    assert bench.flash("arduino_nano33ble_sense") == 2
    assert "found 0 boot loaders (none), expected one; press the reset button" in error(capsys)
    shutil.rmtree(bench.build)
    loader = Port(device="/dev/ttyACM7", vendor=0x2341, product=0x5A, description="Nano")
    monkeypatch.setattr(devices, "ports", lambda: [loader])
    assert bench.flash("arduino_nano33ble_sense") == 0
    assert bench.calls[-1] == shlex.join(
        ["bossac", "--port=ttyACM7", "-U", "-i", "-e", "-w", bench.image("bin"), "-R"]
    )


def test_a_sketch_on_the_nano_is_asked_to_start_the_boot_loader(bench, monkeypatch):
    bench.program("bossac")
    sketch = Port(device="/dev/ttyACM0", vendor=0x2341, product=0x805A, description="Nano")
    loader = Port(device="/dev/ttyACM1", vendor=0x2341, product=0x5A, description="Nano")
    plugged = [sketch]
    monkeypatch.setattr(devices, "ports", lambda: plugged)

    def touch(port):
        assert port == "/dev/ttyACM0"
        plugged[:] = [loader]

    monkeypatch.setattr(flashers, "touch", touch)
    assert bench.flash("arduino_nano33ble_sense") == 0
    assert "--port=ttyACM1" in bench.calls[-1]


def uf2_drive(folder, board_id="RPI-RP2"):
    folder.mkdir()
    (folder / devices.INFO_FILE).write_text(f"UF2 Bootloader v3.0\nBoard-ID: {board_id}\n")
    return folder


def test_the_image_is_copied_to_the_drive_that_the_board_shows(bench, capsys):
    assert bench.flash("rpi_pico") == 2
    assert "found 0 drives (none), expected one named RPI-RP2; hold BOOTSEL" in error(capsys)
    drive = uf2_drive(bench.folder / "pico")
    other = uf2_drive(bench.folder / "other", board_id="SAMD21")
    (bench.folder / "mounts").write_text(f"/dev/sdb1 {drive} vfat\n/dev/sdc1 {other} vfat\n")
    shutil.rmtree(bench.build)
    assert bench.flash("rpi_pico") == 0
    assert (drive / "stapes-firmware.uf2").read_text() == "uf2"
    assert not (other / "stapes-firmware.uf2").exists()


def test_a_folder_that_is_no_boot_loaders_drive_is_left_alone(bench, capsys):
    folder = bench.folder / "pico"
    folder.mkdir()
    assert bench.flash("rpi_pico", "--drive", str(folder)) == 2
    assert "found no INFO_UF2.TXT in it, expected the drive of a boot loader" in error(capsys)
    assert list(folder.iterdir()) == []
    shutil.rmtree(bench.build)
    drive = uf2_drive(bench.folder / "drive")
    assert bench.flash("rpi_pico", "--drive", str(drive)) == 0
    assert (drive / "stapes-firmware.uf2").exists()


@pytest.mark.parametrize("board", ["nrf52840dk", "arduino_nano33ble_sense", "mps2_an386"])
def test_a_dry_run_prints_what_would_run_and_runs_nothing(bench, capsys, board):
    ways = ("--port", "/dev/ttyACM3", "--probe", "12", "--tcp_port", "4321")
    assert bench.flash(board, "--dry_run", *ways) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("#")]
    assert lines[0] == shlex.join(
        ["stapes", "emit", str(bench.model), "--output_dir", str(bench.build / "model")]
    )
    assert [shlex.split(line)[0] for line in lines[:3]] == ["stapes", "cmake", "cmake"]
    assert f"-DSTAPES_BOARD={board}" in shlex.split(lines[1])
    last = {
        "nrf52840dk": ["pyocd", "flash", "--target", "nrf52840", "--uid", "12", bench.image("hex")],
        "arduino_nano33ble_sense": [
            *("bossac", "--port=ttyACM3", "-U", "-i", "-e", "-w", bench.image("bin"), "-R")
        ],
        "mps2_an386": [
            *("qemu-system-arm", "-machine", "mps2-an386", "-nographic", "-monitor", "none"),
            *("-serial", "tcp:127.0.0.1:4321,server=on,wait=off"),
            *(*sandbox_words(EMULATOR), "-kernel", bench.image("elf")),
        ],
    }[board]
    assert shlex.split(lines[-1]) == last
    assert bench.calls == [] and not bench.build.exists()


def slots_of_a_dry_run(bench, capsys, *others) -> list[str]:
    """The options for models over the link with which `stapes flash` would configure."""
    flags = [f"--room_for={other}" for other in others]
    assert bench.flash("mps2_an386", "--dry_run", *flags) == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[1])
    return [word.removeprefix("-DSTAPES_") for word in words if "SLOT" in word]


def test_room_for_other_models_is_what_the_largest_needs(bench, small_model, capsys):
    assert slots_of_a_dry_run(bench, capsys) == ["MODEL_SLOTS=OFF"]
    large, wide, slow = (bench.folder / f"{name}.tflite" for name in ("large", "wide", "slow"))
    large.write_bytes(small_model(memory=1000))
    wide.write_bytes(small_model(ModelSettings(name="wide", labels=tuple("abcdefg"))))
    arena = -(-Engine.from_file(large).arena_used // 16) * 16
    assert slots_of_a_dry_run(bench, capsys, large, wide) == [
        "MODEL_SLOTS=ON",
        f"SLOT_ARENA_BYTES={arena}",
        "SLOT_LABELS=7",
        "SLOT_OPERATORS=OFF",
        "SLOT_GATE_BYTES=0",
    ]
    decoder = DecoderSettings(average_window_duration_ms=2000)
    settings = ModelSettings(name="slow", labels=("_silence_", "_unknown_", "a"), decoder=decoder)
    slow.write_bytes(small_model(settings, operator="RELU"))
    slots = slots_of_a_dry_run(bench, capsys, slow)
    # Its longer averaging window takes as much memory as many labels.
    assert int(slots[2].removeprefix("SLOT_LABELS=")) > 4 and slots[3] == "SLOT_OPERATORS=ON"


def test_room_for_a_silence_gate_holds_the_inputs_that_it_keeps(bench, small_model, capsys):
    labels = ("_silence_", "_unknown_", "a")
    gated, windowed = bench.folder / "gated.tflite", bench.folder / "windowed.tflite"
    gate = GateSettings(replay_inferences=5, hold_ms=200)
    gated.write_bytes(small_model(ModelSettings(name="gated", labels=labels, gate=gate)))
    assert slots_of_a_dry_run(bench, capsys, gated)[-1] == f"SLOT_GATE_BYTES={6 * 40}"
    windowed.write_bytes(
        small_model(ModelSettings(name="none", labels=labels, gate=GateSettings(hold_ms=200)))
    )
    assert slots_of_a_dry_run(bench, capsys, windowed)[-1] == "SLOT_GATE_BYTES=1"  # it has a gate


def test_a_board_without_memory_for_models_has_no_room(bench, capsys):
    assert bench.flash("rpi_pico", f"--room_for={bench.model}") == 2
    assert "--room_for: found no memory for models on rpi_pico" in error(capsys)
    assert bench.calls == []


def test_a_model_of_another_front_end_never_has_room(bench, small_model, capsys):
    other = bench.folder / "other.tflite"
    front_end = FrontEndSettings(window_stride_ms=10.0)
    other.write_bytes(
        small_model(ModelSettings(name="other", labels=("a", "b"), front_end=front_end))
    )
    assert bench.flash("mps2_an386", f"--room_for={other}") == 2
    assert "other: found another front end than that of small" in error(capsys)
    assert bench.calls == []


def test_a_dry_run_complains_as_the_run_would(bench, capsys):
    assert bench.flash("mps2_an386", "--dry_run", "--tcp_port", "65536") == 2
    assert "--tcp_port=65536: expected 1 to 65535" in error(capsys)
    bench.model.write_bytes(b"no model")
    assert bench.flash("mps2_an386", "--dry_run") == 2
    assert str(bench.model) in error(capsys)


def test_the_list_shows_probes_ports_and_drives(bench, monkeypatch, capsys):
    bench.pyocd(PROBE)
    port = Port(device="/dev/ttyACM7", vendor=0x2341, product=0x5A, description="Nano 33")
    monkeypatch.setattr(devices, "ports", lambda: [port])
    drive = uf2_drive(bench.folder / "a drive")
    (bench.folder / "mounts").write_text(
        f"/dev/sdb1 {str(drive).replace(' ', chr(92) + '040')} vfat\n"
    )
    assert cli.main(["flash", "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "probe  000683  J-Link",
        "port   /dev/ttyACM7  2341:005a  Nano 33",
        f"drive  {drive}  RPI-RP2",
    ]


def test_a_list_of_nothing_says_so(bench, capsys):
    bench.pyocd()
    assert cli.main(["flash", "--list"]) == 0
    assert capsys.readouterr() == ("", "stapes: found no probe, USB serial port or UF2 drive\n")


def test_a_board_and_a_model_are_needed(capsys):
    assert cli.main(["flash"]) == 2
    listed = capsys.readouterr().err
    assert "nrf52840dk" in listed and "expected --board NAME, one of these" in listed
    assert "for example: stapes flash --board mps2_an386 micro" in listed
    assert cli.main(["flash", "words"]) == 2
    assert "stapes flash --board mps2_an386 words" in error(capsys)
    assert cli.main(["flash", "--board", "mps2_an386"]) == 2
    assert "expected MODEL" in error(capsys)
    assert cli.main(["flash", "no.tflite", "--board", "mps2_an386"]) == 2
    assert "no.tflite: cannot be read" in error(capsys)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.mark.parametrize("way", ["unix", "tcp"])
def test_an_emulated_board_answers_at_the_port_that_is_printed_until_ctrl_c(
    firmware, tmp_path, monkeypatch, way, free_port
):
    built = firmware.image("mps2_an386")  # skips without compiler and emulator
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    bench = Bench(tmp_path, firmware.model)
    copy = f"import shutil; shutil.copy({str(built)!r}, folder / 'stapes-firmware.elf')"
    bench.program("cmake", f"{FAKE_CMAKE}    {copy}\n")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    expected = f"unix:{tmp_path}/stapes-{os.getuid()}/mps2_an386"
    tcp = [] if way == "unix" else ["--tcp_port", str(free_port)]
    command = [sys.executable, "-m", "stapes", "flash", "--board", "mps2_an386"]
    flags = [*tcp, "--build_dir", bench.build, "--source_dir", SOURCE]
    process = subprocess.Popen(
        [*command, *flags, bench.model], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        lines = []
        while not lines or "stapes monitor" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        url = lines[-1].split()[-1]
        assert url == (expected if way == "unix" else f"socket://127.0.0.1:{free_port}")
        deadline = time.monotonic() + 120
        while True:
            try:
                transport = open_transport(url)
                break
            except Exception:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert Session(transport, answer_seconds=5.0).hello.board == "mps2_an386"
        transport.close()
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(120) == 0
        if way == "tcp":
            with socket.socket() as again:
                again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                again.bind(("127.0.0.1", free_port))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv")
def test_an_emulator_ends_with_the_command_however_that_ends(tmp_path):
    told = tmp_path / "pid"
    runs = f"echo $$ > {told}; exec sleep 600"
    program = (
        f"from stapes.firmware.emulated import run_emulator; run_emulator(['sh','-c',{runs!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        deadline = time.monotonic() + 120
        while not told.exists() or not told.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        emulator = Path("/proc", told.read_text().strip())
        assert emulator.exists()
        process.kill()  # no program of ours is left
        process.wait()
        while emulator.exists() and "(sleep) Z" not in (emulator / "stat").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.skipif(bool(missing_tools(EMULATOR)), reason="needs qemu-system-arm")
def test_the_socket_of_an_emulated_board_is_in_a_folder_that_only_its_user_enters(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    port = emulated.unix_socket("mine")
    emulated.check_emulator(EMULATOR, port)
    folder = tmp_path / f"stapes-{os.getuid()}"
    assert port.url == f"unix:{folder}/mine"
    assert folder.stat().st_mode & 0o777 == 0o700
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(folder / "mine"))
        other.listen()
        with pytest.raises(StapesError, match="found an emulated board that already runs there"):
            emulated.check_emulator(EMULATOR, port)
    folder.chmod(0o755)
    with pytest.raises(StapesError, match="found a folder that others can enter"):
        emulated.check_emulator(EMULATOR, port)


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_wait_that_is_none_is_refused(seconds, tmp_path, capsys):
    model = tmp_path / "model.tflite"
    model.write_bytes(b"model")
    words = ["flash", "--board", "nrf52840dk", str(model), f"--wait_seconds={seconds}"]
    assert cli.main(words) == 2
    assert f"--wait_seconds={seconds}: expected 0 to 86400" in capsys.readouterr().err
