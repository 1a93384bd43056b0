# SPDX-License-Identifier: Apache-2.0
"""What the processes of one test run share."""

import os
from collections.abc import Iterator

import pytest
from tones import SHARED_FOLDER

from stapes import progress


@pytest.fixture(autouse=True)
def nothing_was_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process says a note once, and few of a kind: each test begins anew."""
    monkeypatch.setattr(progress, "NOTED", {})


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Names a folder that pytest makes for a run and removes some runs later."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # then each process has a folder of its own in there
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SHARED_FOLDER, str(folder))
        yield
