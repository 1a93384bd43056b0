# SPDX-License-Identifier: Apache-2.0
"""Packed audio: the firmware unpacks the samples that were packed, and speech takes fewer bytes."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stapes.audio.wav import read_wav
from stapes.link.packed_audio import MAX_SAMPLES, cut, pack
from stapes.link.protocol import ALL_AUDIO, MAX_PAYLOAD_BYTES
from stapes.link.session import Session
from stapes.link.transport import ProgramTransport


@pytest.fixture(scope="module")
def program(firmware):
    with contextlib.closing(ProgramTransport([str(firmware.program), "--link"])) as transport:
        transport.is_fast = False  # a wire
        yield transport


def unpack(payload: bytes) -> list[int]:
    """From the description in firmware/link/packed_audio.h."""
    order, r, count = payload[0] >> 4, payload[0] & 15, payload[1] + 1
    bits = iter("".join(f"{byte:08b}" for byte in payload[2:]))
    number = lambda width: int("".join(next(bits) for _ in range(width)) or "0", 2)  # noqa: E731
    samples = [0, 0]
    for _ in range(count):
        quotient = 0
        while quotient < 16 and next(bits) == "1":
            quotient += 1
        folded = number(16) if quotient == 16 else quotient << r | number(r)
        difference = folded >> 1 ^ -(folded & 1)
        predicted = (0, samples[-1], 2 * samples[-1] - samples[-2])[order]
        samples.append((predicted + difference + 32768) % 65536 - 32768)
    return samples[2:]


int16s = st.integers(-32768, 32767)
small = st.integers(-40, 40)


@settings(max_examples=150, derandomize=True)
@given(st.one_of(st.lists(int16s, min_size=1, max_size=20), st.lists(small, min_size=1)))
def test_any_samples_come_back(samples):
    assert unpack(pack(np.array(samples, np.int16))) == samples


@pytest.mark.parametrize("loudness", [0, 3, 200, 4000, 32767])
def test_pieces_fit_frames_and_are_all_of_the_audio(loudness):
    audio = np.random.default_rng(0).integers(-loudness, loudness + 1, 5000).astype(np.int16)
    start = 0
    for count, packed in cut(audio):
        piece = audio[start : start + count]
        if packed is None:
            assert len(piece) <= MAX_PAYLOAD_BYTES // 2
        else:
            assert len(packed) <= min(MAX_PAYLOAD_BYTES, 2 * count)
            assert unpack(packed) == piece.tolist()
        assert count <= MAX_SAMPLES
        start += count
    assert start == len(audio)


def heard(session: Session, lines: list, audio: np.ndarray) -> bytes:
    import base64

    lines.clear()
    session.play(audio)
    pcm = [event.fields["pcm"] + "==" for event in lines if event.name == "audio"]
    return b"".join(base64.b64decode(text) for text in pcm)


def test_the_board_hears_every_sample_as_it_was(program):
    rng = np.random.default_rng(2)
    loudness = np.repeat([2, 300, 32767, 0, 9000], 2000)
    audio = (rng.uniform(-1, 1, loudness.size) * loudness).astype(np.int16)
    lines = []
    session = Session(program, on_event=lines.append)
    session.listen(ALL_AUDIO)
    assert heard(session, lines, audio) == audio.astype("<i2").tobytes()


def test_speech_takes_well_below_its_bytes(speech):
    plain = packed = 0
    for path in sorted((speech / "yes").glob("*.wav"))[:20]:
        for count, payload in cut(read_wav(path)):
            plain += 2 * count
            packed += 2 * count if payload is None else len(payload)
    assert packed < 0.65 * plain
