# SPDX-License-Identifier: Apache-2.0
"""What runs at every push cannot change by itself: tags of actions move, commits do not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")

WORKFLOWS = sorted((Path(__file__).resolve().parents[2] / ".github/workflows").glob("*.y*ml"))


def actions(node: Any) -> Iterator[str]:
    """All that is named by `uses`, of steps and of jobs."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if key == "uses":
            yield value
        elif isinstance(value, dict | list):
            yield from actions(value)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_of_others_is_pinned_to_a_commit_and_names_its_version(path):
    text = path.read_text(encoding="utf-8")
    found = [name for name in actions(yaml.safe_load(text)) if not name.startswith("./")]

    assert found
    for name in found:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", name), name
        assert re.search(rf"uses: {re.escape(name)} # v\d+\.\d+\.\d+$", text, re.MULTILINE), name
