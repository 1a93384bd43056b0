# SPDX-License-Identifier: Apache-2.0
"""Sizes in WAV headers: one table of cases, read by Python, by the firmware's program and by the
web page."""

from __future__ import annotations

import base64
import json
import re
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from stapes.audio.reader import read_audio, read_recording
from stapes.audio.wav import map_wav, read_wav
from stapes.errors import StapesError

PAGE_READER = Path(__file__).parents[2] / "web" / "read_wav.mjs"
SECOND = np.random.default_rng(1).integers(-9000, 9000, 16000).astype("<i2").tobytes()
FORMAT = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 16000, 32000, 2, 16)
FILLER = struct.pack("<4sI", b"FLLR", 4000) + bytes(4000)
TAG = b"TAG" + bytes(125)
LIST = struct.pack("<4sI", b"LIST", 30) + b"INFOISFT" + bytes(22)
WRAPPED = "bytes, expected {} as its header says: its sizes wrapped at 4 GiB, or more was added"


def wav(*, riff: int | None, data: int, body: bytes = SECOND, after: bytes = b"", before=b""):
    """A file with these sizes in its header; `riff` None: the right one."""
    chunks = b"WAVE" + FORMAT + before + struct.pack("<4sI", b"data", data) + body + after
    return struct.pack("<4sI", b"RIFF", len(chunks) if riff is None else riff) + chunks


@dataclass(frozen=True, kw_only=True)
class Case:
    content: bytes
    samples: int = 0  # as many are read
    open_ended: bool = False  # and a note says so
    refused: str = ""  # or the message has these words


CASES = {
    "right": Case(content=wav(riff=None, data=32000), samples=16000),
    "RIFF too small": Case(content=wav(riff=36, data=32000), samples=16000),
    "RIFF never written": Case(content=wav(riff=0, data=32000), samples=16000),
    "RIFF open": Case(content=wav(riff=0xFFFFFFFF, data=32000), samples=16000),
    "ffmpeg's pipe": Case(
        content=wav(riff=0xFFFFFFFF, data=0xFFFFFFFF, before=LIST), samples=16000, open_ended=True
    ),
    "arecord's pipe": Case(
        content=wav(riff=0x80000024, data=0x80000000), samples=16000, open_ended=True
    ),
    "sox's pipe": Case(
        content=wav(riff=0x7FFFF024, data=0x7FFFF000), samples=16000, open_ended=True
    ),
    "the largest int": Case(
        content=wav(riff=0x7FFFFFFF, data=0x7FFFFFFF), samples=16000, open_ended=True
    ),
    "open in a right RIFF": Case(
        content=wav(riff=None, data=0xFFFFFFFF), samples=16000, open_ended=True
    ),
    "half a sample at the open end": Case(
        content=wav(riff=0xFFFFFFFF, data=0xFFFFFFFF, after=b"\1"), samples=16000, open_ended=True
    ),
    "ended recorder": Case(
        content=wav(riff=4088, data=0, before=FILLER), samples=16000, open_ended=True
    ),
    "all sizes 0": Case(content=wav(riff=0, data=0), samples=16000, open_ended=True),
    "just below an open size": Case(
        content=wav(riff=0x7FFFF023, data=0x7FFFEFFF), refused="cut short, or its header is wrong"
    ),
    "nothing recorded": Case(content=wav(riff=None, data=0, body=b""), refused="found no samples"),
    "nothing but a list": Case(
        content=wav(riff=None, data=0, body=b"", after=LIST), refused="found no samples"
    ),
    "open and empty": Case(
        content=wav(riff=0xFFFFFFFF, data=0xFFFFFFFF, body=b""), refused="found no samples"
    ),
    "5 of 60 s": Case(
        content=wav(riff=160_036, data=160_000, body=60 * SECOND), refused=WRAPPED.format(160_044)
    ),
    "short data in a right RIFF": Case(
        content=wav(riff=None, data=31_900), refused=WRAPPED.format(31_944)
    ),
    "a tag": Case(content=wav(riff=32_036, data=32_000, after=TAG), samples=16000),
    "a list and a tag": Case(
        content=wav(riff=32_036 + len(LIST), data=32_000, after=LIST + TAG), samples=16000
    ),
    "a list beyond the RIFF": Case(
        content=wav(riff=32_036, data=32_000, after=LIST), samples=16000
    ),
    "a large picture in a chunk": Case(
        content=wav(
            riff=None, data=32_000, after=struct.pack("<4sI", b"id3 ", 50_000) + bytes(50_000)
        ),
        samples=16000,
    ),
    "4096 bytes more": Case(
        content=wav(riff=32_036, data=32_000, after=bytes(4096)), samples=16000
    ),
    "4097 bytes more": Case(
        content=wav(riff=32_036, data=32_000, after=bytes(4097)), refused=WRAPPED.format(32_044)
    ),
    "a Git LFS pointer": Case(
        content=b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 32044\n",
        refused="found a Git LFS pointer, not the file itself, expected a WAV file; fetch it with: "
        "git lfs pull",
    ),
    "cut in the samples": Case(
        content=wav(riff=None, data=32_000)[:-100], refused="cut short, or its header is wrong"
    ),
    "samples beyond the file": Case(
        content=wav(riff=36, data=40_000), refused="cut short, or its header is wrong"
    ),
    "no samples among very many chunks": Case(
        content=wav(riff=None, data=32_000, before=2000 * struct.pack("<4sI", b"none", 0)),
        refused="found no 'data' chunk",
    ),
}


@pytest.fixture(params=CASES.items(), ids=lambda item: item[0])
def case(request, tmp_path):
    _, case = request.param
    path = tmp_path / "a.wav"
    path.write_bytes(case.content)
    return path, case


def test_python_reads_or_refuses(case, capsys):
    path, case = case
    if case.refused:
        for read in (read_wav, map_wav, read_recording):
            with pytest.raises(StapesError, match=re.escape(case.refused)) as error:
                read(path)
            assert "remove" not in str(error.value)
        return
    assert read_wav(path).tobytes() == SECOND[: 2 * case.samples]
    assert map_wav(path)[0].tobytes() == SECOND[: 2 * case.samples]
    assert read_recording(path).open_ended == case.open_ended
    noted = "Note: " + str(path) + ": its header does not say how long it is"
    assert capsys.readouterr().err.count(noted) == case.open_ended


@pytest.mark.parametrize("by_pipe", [False, True], ids=["file", "pipe"])
def test_the_program_reads_or_refuses_the_same(case, firmware, by_pipe):
    path, case = case
    done = subprocess.run(
        [firmware.program, "-" if by_pipe else path],
        **({"input": case.content} if by_pipe else {}),
        capture_output=True,
        timeout=300,
    )
    said = done.stderr.decode()
    if case.refused:
        assert (done.returncode, done.stdout) == (2, b"")
        assert case.refused in said and "remove" not in said
        return
    assert done.returncode == 0
    assert re.search(rb"\bdone samples=(\d+)", done.stdout)[1] == str(case.samples).encode()
    assert said.count("its header does not say how long it is") == case.open_ended


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_page_reads_or_refuses_the_same(tmp_path):
    """For files without samples, the page has its own words (tests/web/test_recording.py)."""
    paths = [tmp_path / f"{number}.wav" for number in range(len(CASES))]
    for path, case in zip(paths, CASES.values(), strict=True):
        path.write_bytes(case.content)
    done = subprocess.run(["node", PAGE_READER, *paths], capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    for (name, case), found in zip(CASES.items(), json.loads(done.stdout), strict=True):
        if case.refused != "found no samples":
            assert case.refused in found["refused"], name
            assert bool(case.refused) == bool(found["refused"]), name
        assert base64.b64decode(found["samples"]) == SECOND[: 2 * case.samples], name
        assert case.refused or found["openEnded"] == case.open_ended, name


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT", "ULAW"])
def test_other_sample_formats_with_open_sizes_are_read_to_their_end(tmp_path, subtype):
    samples = np.frombuffer(SECOND, "<i2") / 32768
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype=subtype)
    expected = read_audio(tmp_path / "a.wav", sample_rate=16000, resample=True)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    struct.pack_into("<I", data, 4, 0xFFFFFFFF)
    struct.pack_into("<I", data, data.index(b"data") + 4, 0xFFFFFFFF)
    (tmp_path / "a.wav").write_bytes(data + b"\1")
    found = read_audio(tmp_path / "a.wav", sample_rate=16000, resample=True)
    assert found[:16000].tolist() == expected.tolist()
    assert len(found) - 16000 == (subtype == "ULAW")  # where one byte is a sample


def test_a_file_of_more_than_4_gib_is_refused_at_once(tmp_path, firmware):
    path = tmp_path / "long.wav"
    size = 135_000 * 32_000
    promised = size & 0xFFFFFFFF
    with path.open("wb") as file:
        file.write(wav(riff=promised + 36, data=promised, body=b""))
        file.truncate(44 + size)
    started = time.process_time()
    for read in (read_wav, map_wav):
        with pytest.raises(StapesError, match="found 4320000044 bytes, expected 25032748"):
            read(path)
    assert time.process_time() - started < 1
    done = subprocess.run([firmware.program, path], capture_output=True, timeout=300)
    assert b"found 4320000044 bytes, expected 25032748" in done.stderr


@pytest.mark.parametrize(
    ("data", "more"), [(0x80000000, 32_000), (0x7FFFF000, 3 << 30), (0xFFFFFFFF, 64_000)]
)
def test_an_open_size_means_the_end_in_files_that_are_longer_as_well(tmp_path, data, more):
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(wav(riff=data, data=data, body=b""))
        file.truncate(44 + data + more)
    samples, _ = map_wav(path)
    assert len(samples) == (data + more) // 2


def test_a_size_beyond_2_gib_may_be_right(tmp_path, capsys):
    path = tmp_path / "long.wav"
    size = 0x90000000
    with path.open("wb") as file:
        file.write(wav(riff=size + 36, data=size, body=b""))
        file.truncate(44 + size)
    assert len(map_wav(path)[0]) == size // 2
    assert capsys.readouterr().err == ""


def test_of_many_open_files_the_first_few_are_named(tmp_path, capsys):
    for number in range(20):
        path = tmp_path / f"{number}.wav"
        path.write_bytes(wav(riff=0, data=0))
        read_wav(path)
        read_wav(path)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 6
    assert "4.wav" in lines[4] and lines[5] == "Note: and more of the same"
