# SPDX-License-Identifier: Apache-2.0
"""-DSTAPES_ENGINE: what CMake says if the second engine is not there.

With a TFLM library at hand, `cmake -DSTAPES_ENGINE=tflm` builds the same unit tests around it.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def configure(folder: Path, *options: str) -> tuple[int, str]:
    """Exit status and messages, without line breaks, of a build that has just begun."""
    done = subprocess.run(
        ["cmake", "-S", ROOT, "-B", folder / "build", *options], capture_output=True, text=True
    )
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_an_unknown_engine_is_refused_with_the_choice(tmp_path):
    status, said = configure(tmp_path, "-DSTAPES_ENGINE=tvm")
    assert status != 0
    assert "STAPES_ENGINE=tvm: expected stapes or tflm" in said


def test_a_missing_library_is_named_with_the_way_to_get_it(tmp_path):
    library = tmp_path / "libtensorflow-microlite.a"
    status, said = configure(tmp_path, "-DSTAPES_ENGINE=tflm", f"-DTFLM_LIBRARY={library}")
    assert status != 0
    assert f"no library {library}" in said
    assert "git submodule update --init --checkout tflm" in said
    assert "-DTFLM_INCLUDE_DIRS" in said


def test_a_missing_header_is_named_with_the_folders_searched(tmp_path):
    library = tmp_path / "libtensorflow-microlite.a"
    library.touch()
    header = tmp_path / "tensorflow" / "lite" / "micro" / "micro_interpreter.h"
    header.parent.mkdir(parents=True)
    header.touch()
    status, said = configure(
        tmp_path,
        "-DSTAPES_ENGINE=tflm",
        f"-DTFLM_LIBRARY={library}",
        f"-DTFLM_INCLUDE_DIRS={tmp_path};{tmp_path / 'downloads'}",
    )
    assert status != 0
    assert f"no header flatbuffers/flatbuffers.h in any of {tmp_path} {tmp_path}/downloads" in said


def test_the_python_module_keeps_its_own_engine(tmp_path):
    status, said = configure(tmp_path, "-DSTAPES_ENGINE=tflm", "-DSTAPES_PYTHON=ON")
    assert status != 0
    assert "the Python module always has Stapes' own engine" in said
