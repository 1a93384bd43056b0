# SPDX-License-Identifier: Apache-2.0
"""Where the source tree is."""

from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware.source import find_source

ROOT = Path(__file__).parents[3]


def test_another_folder_than_the_source_tree_is_refused(tmp_path):
    with pytest.raises(StapesError, match="expected Stapes' source tree"):
        find_source(tmp_path)


def test_the_source_tree_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_source(None) == find_source(ROOT) == ROOT
