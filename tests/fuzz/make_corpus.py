# SPDX-License-Identifier: Apache-2.0
"""Writes seeds for the fuzz targets: into `model` every random model on which the tests try the
engine, into `wav` short files of the usual forms, into `application` long series of events.

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

ENGINE_TESTS = Path(__file__).resolve().parents[1] / "nn"
TESTS = [
    ENGINE_TESTS / f"test_nn_{name}.py" for name in ("operators", "networks", "wide_operators")
]
MODELS_PER_TEST = 6
MAX_BYTES = 16384  # of one model: the fuzzer's -max_len


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
    rng = np.random.default_rng(0)
    write_seeds(folder / "application", [rng.bytes(50 * i) for i in range(1, 17)])
    print(f"make_corpus: {len(models)} models in {folder / 'model'}")
    return 0


def write_seeds(folder: Path, seeds: list[bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds:
        (folder / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)


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
