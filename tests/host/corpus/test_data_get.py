# SPDX-License-Identifier: Apache-2.0
"""Downloads against a local server: cut, resumed, damaged, refused; and archives not to trust."""

from __future__ import annotations

import errno
import hashlib
import io
import re
import tarfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from stapes.audio.wav import write_wav
from stapes.cli.main import main
from stapes.corpus import download as download_module
from stapes.corpus.attribution import attribution_of
from stapes.corpus.download import cause, download
from stapes.corpus.known import KNOWN, KnownCorpus
from stapes.corpus.unpack import unpack
from stapes.errors import StapesError

CONTENT = np.random.default_rng(0).bytes(600_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves `content` at any path. `cuts`: bytes after which each connection ends early;
    `statuses`: answers given instead of the content, in turn; `starts`: where each one began."""

    def __init__(self) -> None:
        self.content, self.ranges = CONTENT, True
        self.cuts: list[int] = []
        self.statuses: list[int] = []
        self.starts: list[int] = []
        self.length: str | None = None  # the server says this in place of the true length
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/corpus.tar.gz"
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.statuses:
            return handler.send_error(self.statuses.pop(0))
        asked = re.match(r"bytes=(\d+)-$", handler.headers.get("Range", ""))
        start = int(asked[1]) if asked and self.ranges else 0
        self.starts.append(start)
        if start >= len(self.content):
            return handler.send_error(416)
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", self.length or str(len(self.content) - start))
        handler.end_headers()
        end = start + self.cuts.pop(0) if self.cuts else len(self.content)
        handler.wfile.write(self.content[start:end])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


@pytest.fixture
def load(server, tmp_path):
    def load(sha256=DIGEST, **more) -> bytes:
        path = tmp_path / "corpus.tar.gz"
        download(server.url, path, sha256=sha256, pause_seconds=0, **more)
        return path.read_bytes()

    return load


def part(tmp_path):
    return tmp_path / "corpus.tar.gz.part"


def test_a_download_arrives_whole_and_leaves_nothing_beside_it(load, tmp_path):
    seen: list[tuple[int, int]] = []
    assert load(progress=lambda *done: seen.append(done)) == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)
    assert [path.name for path in tmp_path.iterdir()] == ["corpus.tar.gz"]


def test_cut_connections_go_on_where_they_ended(server, load):
    server.cuts = [100_000, 250_000]
    assert load() == CONTENT
    assert server.starts == [0, 100_000, 350_000]


def test_a_later_command_goes_on_with_what_an_earlier_one_had(server, load, tmp_path):
    server.cuts = [200_000] + [0] * 3
    with pytest.raises(StapesError, match="it continues after 200000 bytes"):
        load(tries=3)
    assert not (tmp_path / "corpus.tar.gz").exists()
    server.cuts = []
    assert load() == CONTENT
    assert server.starts[-1] == 200_000


def test_a_server_without_ranges_sends_it_all_again(server, load):
    server.ranges, server.cuts = False, [100_000]
    assert load() == CONTENT
    assert server.starts == [0, 0]


def test_ctrl_c_keeps_what_has_arrived(server, load, tmp_path):
    def interrupt(done, total):
        if done > 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(progress=interrupt)
    had = part(tmp_path).stat().st_size
    assert 300_000 < had < len(CONTENT)
    assert load() == CONTENT
    assert server.starts == [0, had]


def test_a_part_that_is_whole_already_is_taken(server, load, tmp_path):
    part(tmp_path).write_bytes(CONTENT)
    assert load() == CONTENT


def test_other_bytes_are_thrown_away_and_the_next_try_starts_afresh(server, load, tmp_path):
    part(tmp_path).write_bytes(b"of another file")
    with pytest.raises(StapesError, match=rf"{server.url}: found SHA-256 .*expected {DIGEST}"):
        load()
    assert list(tmp_path.iterdir()) == []
    assert load() == CONTENT


def test_a_status_names_the_address_and_a_busy_server_is_asked_again(server, load):
    server.statuses = [404]
    with pytest.raises(StapesError, match=rf"{server.url}: found HTTP status 404"):
        load()
    server.statuses = [503, 503]
    assert load() == CONTENT


@pytest.mark.parametrize("length", ["many", "-5", "²"])
def test_a_length_that_is_none_is_not_believed(server, load, length):
    server.length = length
    assert load() == CONTENT


def test_what_a_server_says_in_several_lines_is_said_in_one():
    class Said(Exception):
        reason = "a loop\nor \0 worse"

    assert cause(Said()) == "a loop or ? worse"


def test_no_server_is_said_after_the_last_try(server, load):
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(StapesError, match=r"the connection failed 2 times .*check the network"):
        load(tries=2)


def test_too_little_room_is_said_before_the_download(server, load, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1000))
    with pytest.raises(StapesError, match="found 0 MB free, expected 0 MB and more"):
        load()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line(load, tmp_path):
    part(tmp_path).symlink_to("/dev/full")
    with pytest.raises(StapesError, match=r"\.part: cannot be written \(No space left on device\)"):
        load()


def test_the_checksum_of_a_corpus_is_read_in_one_place(monkeypatch):
    assert all(re.fullmatch("[0-9a-f]{64}", known.sha256) for known in KNOWN.values())
    assert len({known.sha256 for known in KNOWN.values()}) == len(KNOWN)


# ---- archives


def tar_of(*members: tuple[tarfile.TarInfo, bytes], mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def member(name: str, **more) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    for key, value in more.items():
        setattr(info, key, value)
    return info


@pytest.fixture
def unpacked(tmp_path) -> Callable[[bytes], dict[str, bytes]]:
    def unpacked(content: bytes) -> dict[str, bytes]:
        (tmp_path / "a.tar").write_bytes(content)
        folder = tmp_path / "corpus"
        count = unpack(tmp_path / "a.tar", folder)
        files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file()
        }
        assert count == len(files)
        return files

    return unpacked


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_files_come_out_as_they_went_in(unpacked, mode):
    folder = member("./yes", type=tarfile.DIRTYPE)
    clip = member("./yes/ü_nohash_0.wav", mode=0o4000, uid=12345)
    content = tar_of((folder, b""), (clip, CONTENT), (member("LICENSE"), b"text"), mode=mode)
    assert unpacked(content) == {"yes/ü_nohash_0.wav": CONTENT, "LICENSE": b"text"}


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (member("../evil.wav"), "'../evil.wav' that would leave the folder"),
        (member("/etc/evil"), "'/etc/evil' that would leave"),
        (member("yes/../../evil"), "would leave the folder"),
        (member("link", type=tarfile.SYMTYPE, linkname="/etc"), "a link or device 'link'"),
        (member("hard", type=tarfile.LNKTYPE, linkname="yes/a.wav"), "a link or device 'hard'"),
        (member("pipe", type=tarfile.FIFOTYPE), "a link or device 'pipe'"),
        (member("disk", type=tarfile.CHRTYPE), "a link or device 'disk'"),
        (member("yes"), "a member 'yes' that cannot be there"),
        (member("yes/a.wav/b.wav"), "a member 'yes/a.wav/b.wav' that cannot be there"),
        (member("n" * 300), "'nnn.* that cannot be there"),
    ],
)
def test_archives_that_reach_out_are_refused_and_leave_nothing(unpacked, tmp_path, bad, message):
    content = tar_of((member("yes/a.wav"), b"good"), (bad, b""))
    with pytest.raises(StapesError, match=rf"a\.tar: .*{message}"):
        unpacked(content)
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda good: good[: len(good) // 2],
        lambda good: good[:1000] + b"\xff" * 1000 + good[2000:],
        lambda good: b"no archive at all",
        lambda good: b"",
    ],
)
def test_damaged_archives_are_refused_and_leave_nothing(unpacked, tmp_path, damage):
    good = tar_of(*((member(f"yes/{n}.wav"), CONTENT[n * 9000 :][:9000]) for n in range(20)))
    with pytest.raises(StapesError, match=r"a\.tar: found damage after \d+ files"):
        unpacked(damage(good))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_an_archive_that_swells_is_stopped(unpacked, tmp_path):
    with pytest.raises(StapesError, match=r"found more than 2000000 files or 64 MB inside"):
        unpacked(tar_of(*((member(f"{n}"), bytes(33 << 20)) for n in range(2))))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


def test_an_empty_archive_is_refused(unpacked):
    with pytest.raises(StapesError, match="found no files in it"):
        unpacked(tar_of())


def test_a_full_disk_while_unpacking_leaves_nothing(unpacked, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(StapesError, match=r"corpus: cannot be written \(No space left"):
        unpacked(tar_of((member("yes/a.wav"), b"good")))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tar"]


# ---- the command


@pytest.fixture
def corpus(server, tmp_path, monkeypatch):
    """A tiny corpus in place of Speech Commands, v0.02."""
    write_wav(tmp_path / "clip.wav", np.arange(99, dtype=np.int16), sample_rate=16000)
    clip = (tmp_path / "clip.wav").read_bytes()
    server.content = tar_of(*((member(f"./yes/{n}_nohash_0.wav"), clip) for n in range(3)))
    digest = hashlib.sha256(server.content).hexdigest()
    known = KnownCorpus(url=server.url, sha256=digest, note="Note.", attribution="Of Ada")
    monkeypatch.setitem(KNOWN, ("speech_commands", "0.02"), known)
    monkeypatch.setattr(download_module.time, "sleep", lambda seconds: None)
    return tmp_path / "new" / "corpus"


def test_the_command_loads_checks_and_unpacks(server, corpus, capsys):
    server.cuts = [100]
    words = ["data", "get", "speech_commands", "--output_dir", str(corpus)]
    assert main(words) == 0
    assert len(list(corpus.glob("yes/*.wav"))) == 3
    assert [path.name for path in corpus.parent.iterdir()] == ["corpus"], "the archive is gone"
    assert "3 files. Note." in capsys.readouterr().out
    assert attribution_of(corpus) == "Of Ada"
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            tar_of((member("yes/a.wav"), b"good"), (member("../evil"), b"")),
            "would leave the folder",
        ),
        (tar_of((member("/tmp/evil"), b"")), "would leave the folder"),
        (tar_of((member("l", type=tarfile.SYMTYPE, linkname="/etc"), b"")), "a link or device 'l'"),
        (tar_of((member("yes/a.wav"), CONTENT))[:-900], "found damage"),
        (b"<html>not found</html>", "found damage"),
    ],
    ids=["parent", "absolute", "link", "cut", "page"],
)
def test_a_hostile_archive_of_a_server_leaves_nothing(
    server, corpus, monkeypatch, content, message, capsys
):
    server.content = content
    digest = hashlib.sha256(content).hexdigest()
    known = KnownCorpus(url=server.url, sha256=digest, note="", attribution="")
    monkeypatch.setitem(KNOWN, ("speech_commands", "0.02"), known)
    assert main(["data", "get", "speech_commands", "--output_dir", str(corpus)]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not corpus.exists()
    assert not (corpus.parent.parent / "evil").exists()


def test_an_archive_loaded_before_is_checked_and_kept(server, corpus, tmp_path, capsys):
    words = ["data", "get", "speech_commands", "--output_dir", str(corpus), "--archive"]
    archive = tmp_path / "mine.tar.gz"
    assert main([*words, str(archive)]) == 2
    assert "found no such file" in capsys.readouterr().err
    archive.write_bytes(server.content[:-1])
    assert main([*words, str(archive)]) == 2
    assert "found SHA-256" in capsys.readouterr().err and not corpus.exists()
    archive.write_bytes(server.content)
    assert main([*words, str(archive)]) == 0
    assert archive.exists() and server.starts == []


def test_an_unknown_version_lists_the_known_ones(capsys):
    assert main(["data", "get", "speech_commands", "--version", "3"]) == 2
    assert "speech_commands --version 0.01" in capsys.readouterr().err
