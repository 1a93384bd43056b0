# SPDX-License-Identifier: Apache-2.0
"""host/stapes/_native.pyi, the types of the compiled module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import stapes

STUB = Path(stapes.__file__).with_name("_native.pyi")


def test_the_stub_is_what_nanobind_makes_of_the_module(tmp_path):
    made = tmp_path / "_native.pyi"
    command = [sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "stapes._native", "-o", made]
    subprocess.run(command, check=True)

    assert STUB.read_text() == made.read_text(), "write it anew: make stub"
