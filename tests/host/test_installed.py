# SPDX-License-Identifier: Apache-2.0
"""The folder of builds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from stapes import installed
from stapes.demo import steps
from stapes.firmware import build
from stapes.word import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def packaged(tmp_path, monkeypatch) -> Path:
    """A source tree as a wheel brings it along."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "CMakeLists.txt").write_text("project(a)")
    monkeypatch.setattr(installed, "PACKAGED", tree)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tree


def test_a_checkout_builds_in_itself():
    assert installed.installed_tree() == ROOT
    assert installed.build_folder(ROOT) == ROOT / "build"


def test_a_package_builds_in_the_users_cache_and_makes_nothing_before(packaged, tmp_path):
    folder = installed.build_folder(packaged)
    assert folder.parent == tmp_path / "cache" / "stapes" and not folder.exists()


def test_another_content_builds_in_another_folder_whatever_its_time(packaged):
    before = installed.build_folder(packaged)
    file = packaged / "CMakeLists.txt"
    found = file.stat()
    file.write_text("project(b)")
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert installed.build_folder(packaged) != before


@pytest.mark.parametrize(
    ("platform", "folder"),
    [("linux", ".cache/stapes"), ("darwin", "Library/Caches/stapes"), ("win32", "AppData/Local")],
)
def test_each_system_has_its_own_folder_for_caches(monkeypatch, platform, folder):
    monkeypatch.setattr("sys.platform", platform)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    assert f"/{folder}" in installed.cache_folder().as_posix()


# ---- the package's own commands in another process


@pytest.fixture
def trap(tmp_path, monkeypatch) -> Path:
    """In a folder with a module that every command of Stapes imports under this name. The file that
    appears when that one runs."""
    sprung = tmp_path / "sprung"
    (tmp_path / "argparse.py").write_text(f"open({str(sprung)!r}, 'w').close()\nraise ImportError")
    monkeypatch.chdir(tmp_path)
    return sprung


def test_python_would_import_from_the_current_folder(trap):
    done = subprocess.run([sys.executable, "-m", "stapes", "--version"], capture_output=True)
    assert done.returncode != 0 and trap.exists()


def test_no_command_that_runs_others_imports_from_the_current_folder(trap):
    own = subprocess.run([*run.STAPES, "--version"], capture_output=True, check=True)
    assert own.stdout.startswith(b"stapes ")
    (trap.parent / "demo").mkdir()
    assert (
        steps.Workbench(trap.parent / "demo", log=print).stapes("--version").startswith("stapes ")
    )
    build.run_build([("stapes", "--version")])
    assert not trap.exists()


def test_all_of_them_start_python_in_this_one_way():
    paths = (ROOT / "host" / "stapes").rglob("*.py")
    others = [path.name for path in paths if 'sys.executable, "-m"' in path.read_text()]
    assert others == []
