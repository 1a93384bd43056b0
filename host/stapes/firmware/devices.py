# SPDX-License-Identifier: Apache-2.0
"""What is plugged in: debug probes, boot loaders at serial ports, drives that take UF2 files."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from stapes.errors import StapesError
from stapes.firmware.tools import find_tool

INFO_FILE = "INFO_UF2.TXT"  # on every drive that takes UF2 files (microsoft/uf2, README)
MOUNTS = Path("/proc/mounts")
VOLUMES = Path("/Volumes")  # where macOS mounts drives


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A debug probe as pyOCD sees it."""

    uid: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Port:
    """A serial port behind USB."""

    device: str
    vendor: int
    product: int
    description: str


@dataclass(frozen=True, kw_only=True)
class Drive:
    """A mounted drive that takes UF2 files; `board_id` as it states it."""

    folder: Path
    board_id: str


def plugged_in() -> list[str]:
    """A line for each probe, port and drive with which a board can be flashed; if probes cannot be
    listed, also a line that says why."""
    lines = []
    try:
        found = probes(find_tool("pyocd", purpose="to list debug probes"))
        lines = [f"probe  {probe.uid}  {probe.description}" for probe in found]
    except StapesError as error:
        lines = [f"(probes: {error})"]
    lines += [
        f"port   {port.device}  {port.vendor:04x}:{port.product:04x}  {port.description}"
        for port in ports()
    ]
    return [*lines, *(f"drive  {drive.folder}  {drive.board_id}" for drive in drives())]


def probes(pyocd: str) -> list[Probe]:
    """The debug probes that pyOCD finds: CMSIS-DAP, ST-LINK, J-Link.

    Raises:
        StapesError: pyOCD fails, or its output cannot be understood.
    """
    done = subprocess.run([pyocd, "json", "--probes"], capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)["boards"]
        return [Probe(uid=str(entry["unique_id"]), description=entry["info"]) for entry in found]
    except (ValueError, KeyError, TypeError) as error:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StapesError(
            f"{pyocd}: probes cannot be listed ({said}); run: pip install --upgrade pyocd"
        ) from error


def knows_target(pyocd: str, target: str) -> bool:
    """Whether pyOCD knows a chip already, by itself or by a pack that was installed."""
    done = subprocess.run([pyocd, "json", "--targets"], capture_output=True, text=True)
    try:
        return target in {entry["name"] for entry in json.loads(done.stdout)["targets"]}
    except (ValueError, KeyError, TypeError):
        return False


def ports() -> list[Port]:
    """The serial ports behind USB."""
    return [
        Port(
            device=port.device,
            vendor=port.vid,
            product=port.pid or 0,
            description=port.description or "",
        )
        for port in list_ports.comports()
        if port.vid is not None
    ]


def drives() -> list[Drive]:
    """The mounted drives that take UF2 files."""
    try:
        lines = MOUNTS.read_text(errors="replace").splitlines()
        folders = [Path(line.split()[1].replace("\\040", " ")) for line in lines]
    except OSError:  # no Linux
        folders = sorted(VOLUMES.glob("*"))
    return [drive for folder in folders if (drive := uf2_drive(folder))]


def uf2_drive(folder: Path) -> Drive | None:
    """The drive at `folder`, if it takes UF2 files."""
    try:
        lines = (folder / INFO_FILE).read_text(errors="replace").splitlines()
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return Drive(folder=folder, board_id=fields.get("Board-ID", "").strip())
