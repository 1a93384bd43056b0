# SPDX-License-Identifier: Apache-2.0
"""WAV reading: accepted files, and the one line that refuses each other file."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from scipy.io import wavfile

from stapes.audio.wav import map_wav, read_wav, read_wav_with_rate, write_wav
from stapes.errors import StapesError

SAMPLES = np.array([0, 1, -1, 32767, -32768], np.int16)


def chunk(name: bytes, body: bytes, *, size: int | None = None) -> bytes:
    size = len(body) if size is None else size
    return struct.pack("<4sI", name, size) + body + b"\0" * (len(body) % 2)


def fmt(*, code=1, channels=1, rate=16000, byte_rate=32000, block=2, bits=16) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, rate, byte_rate, block, bits))


def riff(*chunks: bytes, extra: int = 0) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body) + extra) + body


DATA = chunk(b"data", SAMPLES.tobytes())


def read(tmp_path, content: bytes, **options) -> np.ndarray:
    path = tmp_path / "clip.wav"
    path.write_bytes(content)
    return read_wav(path, **options)


def test_reads_what_scipy_writes(tmp_path):
    wavfile.write(tmp_path / "clip.wav", 8000, SAMPLES)
    samples, rate = read_wav_with_rate(tmp_path / "clip.wav", sample_rate=8000)
    assert rate == 8000
    assert samples.dtype == np.int16
    np.testing.assert_array_equal(samples, SAMPLES)


def test_scipy_reads_what_it_writes(tmp_path):
    write_wav(tmp_path / "clip.wav", SAMPLES, sample_rate=44100)
    rate, samples = wavfile.read(tmp_path / "clip.wav")
    assert rate == 44100
    np.testing.assert_array_equal(samples, SAMPLES)


def test_chunks_of_odd_size_are_skipped_with_their_pad_byte(tmp_path):
    content = riff(fmt(), chunk(b"LIST", b"odd"), DATA, chunk(b"junk", b"1"))
    np.testing.assert_array_equal(read(tmp_path, content), SAMPLES)


def test_a_missing_pad_byte_at_the_end_is_harmless(tmp_path):
    content = riff(fmt(), DATA, chunk(b"junk", b"1"))[:-1]
    np.testing.assert_array_equal(read(tmp_path, content), SAMPLES)


def test_extensible_pcm_is_pcm(tmp_path):
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    body = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16000, 32000, 2, 16, 22, 16, 4) + guid
    np.testing.assert_array_equal(read(tmp_path, riff(chunk(b"fmt ", body), DATA)), SAMPLES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "found an empty file, expected a RIFF/WAVE"),
        (b"", "record it again"),
        (b"ID3\x04 not a wav at all", "found MP3, expected a RIFF/WAVE file; convert it with: ff"),
        (b"\xff\xfb\x90\x00 an mp3", "found MP3, expected"),
        (b"\0\0\0 ftypM4A \0\0", "found MPEG-4 (.m4a, .mp4), expected a RIFF/WAVE file"),
        (b"OggS\0\2", "found Ogg (.ogg, .opus), expected"),
        (b"hello", "found b'hell' at its start, expected"),
        (riff(), "found no 'fmt ' chunk"),
        (riff(fmt()), "found no 'data' chunk"),
        (riff(DATA, fmt()), "samples before any 'fmt ' chunk"),
        (riff(fmt(rate=0, byte_rate=0), DATA), "found 0 Hz, expected a positive rate"),
        (riff(chunk(b"fmt ", b"\1\0\1\0"), DATA), "expected 16 bytes of format"),
        (riff(fmt(code=3, bits=32), DATA), "format 3 with 32 bits, expected 16-bit PCM"),
        (riff(fmt(bits=8, block=1, byte_rate=16000), DATA), "with 8 bits"),
        (
            riff(fmt(channels=2, block=4, byte_rate=64000), DATA),
            "2 channels, expected mono; convert it with: sox IN.wav -b 16 -c 1 -r 16000 OUT.wav",
        ),
        (riff(fmt(byte_rate=1), DATA), "header that contradicts itself"),
        (riff(fmt(rate=8000, byte_rate=16000), DATA), "found 8000 Hz, expected 16000 Hz"),
        (riff(fmt(), chunk(b"data", b"")), "found no samples"),
        (riff(fmt(), chunk(b"data", b"abc")), "whole 16-bit samples"),
        (riff(fmt(), DATA)[:-4], "cut short"),
        (riff(fmt(), chunk(b"data", SAMPLES.tobytes(), size=1000)), "1000 bytes of samples"),
        (riff(fmt(), chunk(b"data", SAMPLES.tobytes() * 9, size=10)), "expected 54 as its header"),
        (riff(fmt(), DATA, extra=100), "header is wrong"),
    ],
)
def test_refuses_with_one_line_naming_the_file(tmp_path, content, message):
    with pytest.raises(StapesError) as caught:
        read(tmp_path, content, sample_rate=16000)
    text = str(caught.value)
    assert message in text
    assert text.startswith(str(tmp_path / "clip.wav"))
    assert "\n" not in text


def test_what_others_append_after_the_end_is_harmless(tmp_path):
    content = riff(fmt(), DATA, chunk(b"LIST", b"INFO")) + b"TAG" + b"title" * 25
    np.testing.assert_array_equal(read(tmp_path, content), SAMPLES)


def test_a_mapped_file_holds_the_same_samples_and_is_checked_as_strictly(tmp_path):
    samples = np.arange(-500, 500, dtype=np.int16)
    path = tmp_path / "a.wav"
    write_wav(path, samples, sample_rate=8000)
    mapped, rate = map_wav(path, sample_rate=8000)
    assert (mapped.tobytes(), mapped.dtype, rate) == (samples.tobytes(), np.int16, 8000)
    assert not mapped.flags.writeable
    with pytest.raises(StapesError, match="found 8000 Hz, expected 16000 Hz"):
        map_wav(path, sample_rate=16000)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(StapesError, match="cut short"):
        map_wav(path)
    path.write_bytes(b"")
    with pytest.raises(StapesError, match="found an empty file"):
        map_wav(path)
    with pytest.raises(StapesError, match="cannot be read"):
        map_wav(tmp_path / "none.wav")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StapesError, match=r"nothing\.wav: cannot be read"):
        read_wav(tmp_path / "nothing.wav")


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write_wav(tmp_path / "out.wav", SAMPLES.astype(np.float32), sample_rate=16000)
    with pytest.raises(StapesError, match="cannot be written"):
        write_wav(tmp_path / "no" / "out.wav", SAMPLES, sample_rate=16000)
    assert list(tmp_path.iterdir()) == []
