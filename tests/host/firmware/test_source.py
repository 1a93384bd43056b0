# SPDX-License-Identifier: Apache-2.0
"""Where the source tree is."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware import source
from stapes.firmware.source import MARKER, find_source

ROOT = Path(__file__).parents[3]


def test_another_folder_than_the_source_tree_is_refused(tmp_path):
    with pytest.raises(StapesError, match="expected Stapes' source tree"):
        find_source(tmp_path)


def test_a_folder_that_only_looks_like_the_source_tree_is_refused(tmp_path, monkeypatch):
    (tmp_path / "firmware").mkdir()
    (tmp_path / "CMakeLists.txt").touch()
    with pytest.raises(StapesError, match=r"found no stapes_tree\.txt in it"):
        find_source(tmp_path)
    (tmp_path / MARKER).write_text("something else")
    with pytest.raises(StapesError, match=r"found no stapes_tree\.txt in it"):
        find_source(tmp_path)


def test_the_current_folder_is_taken_only_without_an_installed_tree(tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / MARKER).write_bytes((ROOT / MARKER).read_bytes())
    monkeypatch.chdir(other)
    assert find_source(None) == ROOT
    monkeypatch.setattr(source, "installed_tree", lambda: tmp_path / "none")
    assert find_source(None) == other


def test_nothing_of_the_current_folder_runs(tmp_path, small_model):
    """A folder that looks like the source tree, from an unknown person."""
    shutil.copytree(ROOT / "cmake", tmp_path / "cmake")
    (tmp_path / "firmware").mkdir()
    (tmp_path / "bench").mkdir()
    trap = f"open({str(tmp_path / 'trapped')!r}, 'w')"
    for name in ("bench/engine.py", "stapes.py", "jinja2.py", "numpy.py", "soundfile.py"):
        (tmp_path / name).write_text(trap)
    (tmp_path / "CMakeLists.txt").write_text(f"file(WRITE {tmp_path}/trapped trapped)\n")
    (tmp_path / "a.tflite").write_bytes(small_model())
    program = [sys.executable, shutil.which("stapes"), "info", "a.tflite", "--board", "mps2_an386"]
    subprocess.run([*program, "--all"], cwd=tmp_path, timeout=300)
    assert not (tmp_path / "trapped").exists()


def test_the_source_tree_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_source(None) == find_source(ROOT) == ROOT
