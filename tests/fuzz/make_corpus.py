# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of fuzz_model: every random model on which the tests try the engine.

python tests/fuzz/make_corpus.py build/fuzz/corpus
"""

from __future__ import annotations

import argparse
import hashlib
import os
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
    folder.mkdir(parents=True, exist_ok=True)
    for model in models:
        (folder / hashlib.sha256(model).hexdigest()[:16]).write_bytes(model)
    print(f"make_corpus: {len(models)} models in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
