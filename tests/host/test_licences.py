# SPDX-License-Identifier: Apache-2.0
"""Every source file names its licence, for tools that read SPDX lines."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LINE = "SPDX-License-Identifier: Apache-2.0"
FOLDERS = ("bench", "boards", "cmake", "docs", "firmware", "host", "models", "tests")
KINDS = (".cc", ".cmake", ".h", ".inc", ".js", ".ld", ".py", ".ts")
GENERATED = ("host/stapes/_native.pyi", "tests/firmware/nn_models.inc")


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_source_file_names_its_licence_at_its_start(folder):
    sources = [
        path
        for path in (ROOT / folder).rglob("*")
        if (path.suffix in KINDS or path.name == "CMakeLists.txt")
        and path.relative_to(ROOT).as_posix() not in GENERATED
        and "node_modules" not in path.parts
    ]

    assert sources
    assert [
        path.relative_to(ROOT).as_posix()
        for path in sources
        if LINE not in "".join(path.read_text(encoding="utf-8").splitlines()[:2])
    ] == []


NOTICES = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")


def words(text: str) -> str:
    """Without line ends and marks of comments."""
    return " ".join(text.replace("*", " ").split())


def test_the_notices_hold_the_licences_of_what_is_compiled_into_the_package():
    files = importlib.metadata.files("nanobind") or []
    (licence,) = (file for file in files if file.name == "LICENSE")
    (header,) = (file for file in files if file.name == "robin_map.h")
    robin_map = header.read_text().partition("/**")[2].partition("*/")[0]
    page = (ROOT / "boards" / "web" / "page" / "ATTRIBUTION.txt").read_text()
    musl = page[page.index("Copyright") :]

    assert words(licence.read_text()) in words(NOTICES)
    assert words(robin_map) in words(NOTICES)
    assert words(musl) in words(NOTICES)
    assert "THIRD_PARTY_NOTICES.md" in PROJECT["project"]["license-files"]


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def requirements() -> list[str]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    named = [*project["dependencies"], *(name for extra in extras for name in extra)]
    return [name for name in named if not name.startswith("stapes[")]  # of its other extras


@pytest.mark.parametrize("text", [*requirements(), *PROJECT["build-system"]["requires"]])
def test_every_requirement_has_a_version_that_is_too_new(text):
    specifier = Requirement(text).specifier

    assert any(part.operator in ("<", "==") for part in specifier), text


def locked() -> dict[str, set[str]]:
    """Versions by name, of all systems and Pythons."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([a-z0-9-]+)==(\S+)", line):
            found.setdefault(match[1], set()).add(match[2])
    return found


def test_the_lock_holds_what_the_project_asks_for_with_hashes_and_names_no_registry():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    extras = PROJECT["project"]["optional-dependencies"]
    listed = [extras[name] for name in ("train", "audio", "plot", "page", "record", "dev", "docs")]
    wanted = [*PROJECT["project"]["dependencies"], *(name for extra in listed for name in extra)]
    wanted += PROJECT["build-system"]["requires"]
    versions = locked()

    for requirement in map(Requirement, wanted):
        found = versions[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version, prereleases=True) for version in found)
    assert "://" not in text and "--index-url" not in text
    packages = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(packages) == sum(map(len, versions.values()))
    assert all("--hash=sha256:" in package for package in packages)


@pytest.mark.parametrize("folder", ["boards/web", "tests/board/rp2040js"])
def test_what_npm_installs_is_locked_with_hashes_and_names_no_registry(folder):
    wanted = json.loads((ROOT / folder / "package.json").read_text())
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    own = lock.pop("")

    assert own["devDependencies"] == wanted["devDependencies"]
    assert all(re.fullmatch(r"[\d.]+", version) for version in wanted["devDependencies"].values())
    assert all(entry["integrity"].startswith("sha512-") for entry in lock.values())
    assert not any("resolved" in entry for entry in lock.values())


def test_the_bill_of_materials_is_cyclonedx(tmp_path):
    validation = pytest.importorskip("cyclonedx.validation.json")
    from cyclonedx.schema import SchemaVersion

    venv = Path(sys.executable).parent.parent
    command = ["make", "-o", "setup", "sbom", f"VENV={venv}", f"BUILD={tmp_path}"]
    command += ["SBOM_FLAGS=--no-validate"]  # which takes ten seconds, and is done below
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "sbom.json").read_text(encoding="utf-8")
    bill = json.loads(text)
    numpy = next(entry for entry in bill["components"] if entry["name"] == "numpy")

    assert validation.JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert bill["metadata"]["component"]["name"] == "stapes"
    assert numpy["version"] == importlib.metadata.version("numpy") and numpy["licenses"]
