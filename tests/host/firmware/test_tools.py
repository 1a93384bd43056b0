"""Programs of others, and the folders in which they build."""

import fcntl
from pathlib import Path

from stapes.firmware.tools import alone_in


def is_taken(folder: Path) -> bool:
    """Whether another process would have to wait."""
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_two_builds_in_one_folder_follow_one_another(tmp_path):
    folder = tmp_path / "new" / "build"
    with alone_in(folder):
        assert is_taken(folder)
    assert not is_taken(folder)
    with alone_in(folder):
        assert is_taken(folder)
