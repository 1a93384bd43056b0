# SPDX-License-Identifier: Apache-2.0
"""Runs the models that the fuzzer found through upstream's runtime as well: every model that both
take must give equal bytes. Prints those that do not, with their operators.

python tests/fuzz/compare_corpus.py build/fuzz/corpus/model build/fuzz/found/model
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from stapes.device.engine import Engine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "nn"))
from nn_models import fate


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    counts: Counter[str] = Counter()
    for folder in parser.parse_args().folders:
        for path in sorted(folder.iterdir()):
            model = path.read_bytes()
            found = fate(model, np.random.default_rng(0))
            counts[found] += 1
            if found == "different":
                operators = Engine.from_bytes(model).operators
                print(path, *(operator["name"] for operator in operators))
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
