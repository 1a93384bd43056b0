# SPDX-License-Identifier: Apache-2.0
"""Writes seeds for the fuzz targets: into `model` every random model on which the tests try the
engine, into `wav` short files of the usual forms, into `link` every frame of the protocol and an
image of a model, into `application` long series of events.

python tests/fuzz/make_corpus.py build/fuzz/corpus
"""

from __future__ import annotations

import argparse
import hashlib
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from stapes.link.model_image import read_model_image
from stapes.link.protocol import FrameType, encode_frame
from stapes.model.shipped import shipped_models

ENGINE_TESTS = Path(__file__).resolve().parents[1] / "nn"
TESTS = [
    ENGINE_TESTS / f"test_nn_{name}.py" for name in ("operators", "networks", "wide_operators")
]
MODELS_PER_TEST = 6
MAX_BYTES = 16384  # largest model: the -max_len of the fuzzer


class Collector:
    """A pytest plugin that keeps models instead of checking them."""

    def __init__(self) -> None:
        self.models: set[bytes] = set()

    @pytest.fixture(autouse=True)
    def _collect(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(request.module, "check_models", self.check_models)

    def check_models(self, make, *, cases: int = 0) -> None:
        """Takes the place of nn_models.check_models."""
        for seed in range(MODELS_PER_TEST):
            self.models.add(make(np.random.default_rng(seed)).finish())


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    collector = Collector()
    arguments = ["-q", "--no-header", "--no-summary", "-p", "no:cacheprovider"]
    with Path(os.devnull).open("w") as nowhere:
        output, sys.stdout = sys.stdout, nowhere
        status = pytest.main([*arguments, *map(str, TESTS)], plugins=[collector])
        sys.stdout = output
    models = sorted(model for model in collector.models if len(model) <= MAX_BYTES)
    if status != 0 or not models:
        print(f"make_corpus: no seeds from {ENGINE_TESTS}/test_nn_*.py; run them with pytest")
        return 1
    write_seeds(folder / "model", models)
    write_seeds(folder / "wav", wav_files())
    write_seeds(folder / "link", link_inputs())
    write_seeds(folder / "application", series_of_events())
    print(f"make_corpus: {len(models)} models in {folder / 'model'}")
    return 0


def write_seeds(folder: Path, seeds: list[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


def link_inputs() -> list[bytes]:
    """Every frame alone, all of them in a row, and an image as `stapes load` sends it."""
    payloads = {
        FrameType.RESET: b"\1",
        FrameType.SCORES: b"\1",
        FrameType.AUDIO: bytes(64),
        FrameType.THRESHOLD: struct.pack("<HIB", 1, 30000, 1),
        FrameType.DECODER: struct.pack("<IIH", 500, 2**32 - 1, 3),
        FrameType.LISTEN: struct.pack("<I", 2**32 - 1),
        FrameType.MODEL_BEGIN: struct.pack("<II", 4096, 7),
        FrameType.MODEL_DATA: struct.pack("<I", 240) + bytes(range(240)),
        FrameType.MODEL_COMMIT: struct.pack("<I", 7),
        FrameType.PACKED_AUDIO: bytes(range(40)),
        FrameType.AWAKE: struct.pack("<I", 5000),
        FrameType.GATE: struct.pack("<I", 65536),
    }
    frames = [encode_frame(kind, 1, payloads.get(kind, b"")) for kind in FrameType]
    image = read_model_image(shipped_models()["micro"].path).data
    return [*frames, b"".join(frames), image[:1024]]


def series_of_events() -> list[bytes]:
    """Of any kind; then, for firmware with and without gate and wake word, noise and silence by
    turns, in which the gate opens and words wake, while the settings of both change. Bytes as
    fuzz_application.cc takes them."""
    rng = np.random.default_rng(0)

    def number(event: int, value: int) -> bytes:
        return struct.pack(">BIBB", event, value, 0, 1)

    def heard(event: int, shift: int) -> bytes:
        return bytes([event, 255, shift, *rng.bytes(1)])

    gate, awake, hear, stream, load, boot = 11, 12, 2, 3, bytes([6, 1]), bytes([9])
    settings = [b"", number(gate, 0), number(gate, 65536), number(awake, 50), number(awake, 600000)]
    audio = b"".join(heard(hear, shift) for shift in (16, 0, 16, 2))
    streamed = heard(stream, 0) + b"\0" + heard(stream, 16) + b"\0"
    ways = [audio, streamed, load + audio, audio + boot + streamed]
    return [rng.bytes(50 * i) for i in range(1, 17)] + [
        bytes([shape]) + before + way + after + way
        for shape in range(4)
        for before, after in zip(settings, reversed(settings), strict=True)
        for way in ways
    ]


def wav_files() -> list[bytes]:
    """A plain file, one with more chunks, one of the extensible form, one of another rate."""

    def riff(*chunks: bytes) -> bytes:
        body = b"WAVE" + b"".join(chunks)
        return b"RIFF" + struct.pack("<I", len(body)) + body

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)

    def form(code: int, rate: int) -> bytes:
        return struct.pack("<HHIIHH", code, 1, rate, 2 * rate, 2, 16)

    audio = chunk(b"data", struct.pack("<20h", *range(-10, 10)))
    plain = chunk(b"fmt ", form(1, 16000))
    guid = struct.pack("<HHIH", 22, 16, 4, 1) + bytes.fromhex("000000001000800000aa00389b71")
    extensible = chunk(b"fmt ", form(0xFFFE, 16000) + guid)
    return [
        riff(plain, audio),
        riff(plain, chunk(b"LIST", b"INFOabc"), audio, chunk(b"id3 ", b"tag")),
        riff(extensible, audio),
        riff(chunk(b"fmt ", form(1, 8000)), audio),
    ]


if __name__ == "__main__":
    sys.exit(main())
