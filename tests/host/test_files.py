# SPDX-License-Identifier: Apache-2.0
"""Files appear whole or not at all; if one cannot be written, one line says so."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
import sys

import pytest
from disk import room_for

from stapes.errors import StapesError
from stapes.files import (
    LineFile,
    atomic_path,
    check_file,
    check_output,
    held_alone,
    kept_folder,
    new_folder,
    read_bytes,
    read_text,
    visible_files,
    write_text,
)


def test_a_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "file.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "file.txt").read_text() == "new"


def test_what_is_no_regular_file_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, found in (("pipe", "a device, pipe"), ("folder", "a folder")):
        with pytest.raises(StapesError, match=f"{name}: found {found}"):
            write_text(tmp_path / name, "new")
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "pipe"]


@pytest.mark.parametrize("name", ["", "missing/file", "n" * 300, "loop"])
def test_a_path_that_cannot_be_written_is_told_early(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StapesError, match=r"cannot be written|found a folder"):
        check_output(name)


def test_the_check_leaves_nothing_behind(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    check_output(tmp_path / "old.txt")
    check_output(tmp_path / "new.txt")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_full_disk_leaves_the_old_file_and_one_line(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with (
        pytest.raises(StapesError, match=r"file.txt: cannot be written \(No space left"),
        atomic_path(path) as temporary,
    ):
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_lines_are_added_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.txt"
    with contextlib.closing(LineFile(path)) as lines:
        lines.add("one\n")
        with room_for(7), pytest.raises(StapesError, match=r"a\.txt: cannot be written"):
            lines.add("a second line\n")
        lines.add("two\n")
    assert path.read_text() == "one\ntwo\n"


def test_a_line_that_was_cut_short_is_ended_before_others_follow(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\ncut sh")
    with contextlib.closing(LineFile(path)) as lines:
        lines.add("two\n")
    assert path.read_text() == "one\ncut sh\ntwo\n"


def test_a_folder_made_for_work_that_fails_goes_again_with_its_parents(tmp_path):
    with pytest.raises(ValueError), kept_folder(tmp_path / "a" / "b"):
        raise ValueError
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError), kept_folder(tmp_path / "shared", shared=True) as folder:
        raise ValueError
    folder.rmdir()
    with pytest.raises(ValueError), kept_folder(tmp_path / "a" / "b") as folder:
        (folder / "c").touch()
        raise ValueError
    assert (tmp_path / "a" / "b" / "c").exists()
    below_a_file = tmp_path / "a" / "b" / "c" / "d"
    with pytest.raises(StapesError, match="d: cannot be written"), kept_folder(below_a_file):
        pass


def test_what_fails_in_a_new_folder_is_told_by_its_name(tmp_path):
    told = pytest.raises(StapesError, match=rf"^{tmp_path}/a/b/c: cannot be written")
    with told, new_folder(tmp_path / "a") as folder:
        write_text(folder / "b" / "c", "")
    assert not list(tmp_path.iterdir())


def test_a_new_folder_may_take_the_place_of_an_empty_one(tmp_path):
    (tmp_path / "a").mkdir()
    with new_folder(tmp_path / "a") as folder:
        (folder / "b").touch()
    assert (tmp_path / "a" / "b").exists()
    with pytest.raises(StapesError, match="a: exists already"), new_folder(tmp_path / "a"):
        pass
    (tmp_path / "c").symlink_to("nowhere")
    with pytest.raises(StapesError, match="c: exists already"), new_folder(tmp_path / "c"):
        pass


def test_links_to_folders_are_followed_but_not_in_circles(tmp_path):
    (tmp_path / "corpus" / "yes").mkdir(parents=True)
    (tmp_path / "corpus" / "yes" / "a").touch()
    (tmp_path / "corpus" / "no").symlink_to("yes")
    (tmp_path / "corpus" / "yes" / "round").symlink_to(tmp_path / "corpus")
    found = [path.relative_to(tmp_path) for path in visible_files(tmp_path / "corpus", "**/a")]
    assert [str(path) for path in found] == ["corpus/no/a", "corpus/yes/a"]


def test_a_device_is_not_read_for_ever():
    with pytest.raises(StapesError, match=r"/dev/zero: found a device.*expected a model"):
        read_bytes("/dev/zero", what="a model")


def test_more_than_memory_holds_is_refused_by_name(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(1 << 42)  # a hole
    with pytest.raises(StapesError, match=r"huge: found more bytes than memory.*expected a model"):
        read_bytes(path, what="a model")


def test_names_of_files_that_are_not_utf_8_can_be_written(tmp_path):
    write_text(tmp_path / "a", "b\udcff")
    assert (tmp_path / "a").read_text() == "b\\udcff"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "marked"])
def test_a_text_is_read_as_any_editor_saves_it(tmp_path, end, mark):
    path = tmp_path / "labels.txt"
    path.write_bytes(mark + end.join(["ja", "gewiß", ""]).encode())
    assert read_text(path, what="labels") == "ja\ngewiß\n"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ("ja\ngewiß\n".encode("latin-1"), r"Latin-1 or Windows-1252 \(line 2, byte 0xDF\)"),
        ("ja".encode("utf-16"), "UTF-16 text"),
        ("ja".encode("utf-16-be"), "UTF-16 text"),
        ("gewiß, nein".encode("utf-16-le"), "UTF-16 text"),
        ("ja".encode("utf-32"), "UTF-32 text"),
        (bytes(20), "no text"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\xff\xfe", "no text"),
    ],
)
def test_another_encoding_is_refused_by_name(tmp_path, data, found):
    path = tmp_path / "labels.txt"
    path.write_bytes(data)
    with pytest.raises(StapesError, match=f"found .*{found}.*expected labels in UTF-8; save it"):
        read_text(path, what="labels")


LFS_POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def test_a_git_lfs_pointer_is_named_as_one(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(LFS_POINTER)
    for read in (read_bytes, read_text, check_file):
        with pytest.raises(StapesError) as caught:
            read(path, what="a WAV file")
        assert str(caught.value) == (
            f"{path}: found a Git LFS pointer, not the file itself, expected a WAV file; "
            "fetch it with: git lfs pull"
        )


HOLDER = """
import sys, time
from stapes.files import held_alone
with held_alone(sys.argv[1], what="a training"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds tmp_path/lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "lock"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_by_the_id_of_the_first(tmp_path, holder):
    with (
        pytest.raises(StapesError, match=rf"{tmp_path}: found a training .*process {holder.pid},"),
        held_alone(tmp_path / "lock", what="a training"),
    ):
        pytest.fail("both are inside")


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path, holder):
    holder.kill()
    holder.wait()
    assert (tmp_path / "lock").read_text() == f"{holder.pid}\n"
    with held_alone(tmp_path / "lock", what="a training"):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_lock_in_a_folder_that_cannot_be_written_is_told(tmp_path):
    with (
        pytest.raises(StapesError, match=r"none/lock: cannot be written"),
        held_alone(tmp_path / "none" / "lock", what="a training"),
    ):
        pytest.fail("is inside")
