# SPDX-License-Identifier: Apache-2.0
"""Runs the models that the fuzzer found through upstream's runtime as well: every model that both
take must give equal bytes. Prints those that do not, with their operators.

python tests/fuzz/compare_corpus.py build/fuzz/corpus/model build/fuzz/found/model
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np

from stapes.device.engine import Engine
from stapes.errors import StapesError
from stapes.evaluation.verify import in_a_process_of_its_own

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "nn"))
from nn_models import upstream_outputs, values

INFERENCES = 3


def compare(model: bytes) -> str:
    """What became of a model: "refused", "upstream failed", "equal" or "different"."""
    try:
        engine = Engine.from_bytes(model)
    except StapesError:
        return "refused"
    rng = np.random.default_rng(0)
    inputs = [values(rng, engine.input_shape, engine.input_type) for _ in range(INFERENCES)]
    ours = [engine.invoke(frame) for frame in inputs]
    theirs, reason = in_a_process_of_its_own(partial(upstream_outputs, model, inputs))
    if reason:
        return "upstream failed"
    return "equal" if all(map(np.array_equal, ours, theirs)) else "different"


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    counts: Counter[str] = Counter()
    for folder in parser.parse_args().folders:
        for path in sorted(folder.iterdir()):
            model = path.read_bytes()
            found = compare(model)
            counts[found] += 1
            if found == "different":
                operators = Engine.from_bytes(model).operators
                print(path, *(operator["name"] for operator in operators))
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
