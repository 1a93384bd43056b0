# SPDX-License-Identifier: Apache-2.0
"""Which rooms may import which: the contracts of pyproject.toml. Nothing reads bench/."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_rooms_read_only_rooms_below_them_and_tensorflow_stays_where_it_belongs():
    # In a process of its own: it leaves its streams closed.
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _texts(source: str) -> Iterator[str]:
    """The string constants of a module that are values: not its docstrings."""
    tree = ast.parse(source)
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            yield node.value


def _reads_bench(source: str) -> bool:
    return any("bench" in Path(text).parts for text in _texts(source))


def test_nothing_in_the_package_reads_bench():
    modules = sorted((ROOT / "host" / "stapes").rglob("*.py"))

    assert modules
    assert [str(path) for path in modules if _reads_bench(path.read_text())] == []


@pytest.mark.parametrize(
    "source", ['load(root / "bench" / "engine.py")', 'run(["bench/engine.py"])']
)
def test_a_path_into_bench_is_found(source):
    assert _reads_bench(source)
