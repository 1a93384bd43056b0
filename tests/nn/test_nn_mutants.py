# SPDX-License-Identifier: Apache-2.0
"""Damaged models: Stapes refuses a model, or runs it and gives upstream's bytes.

Upstream trusts its model: each runs in a process of its own, which may crash.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np
from nn_models import Network, Random, fate, small
from test_nn_networks import add_classifier, convolutions

from stapes.model.builder import load_schema

MUTANTS = int(os.environ.get("STAPES_TEST_MUTANTS", "150"))
EXTREMES = (0, 1, 2, 127, 128, 255)


def stream(rng: Random) -> Network:
    network = Network(rng, (1, 2 * small(rng, 20)), calm=True)
    for _ in range(1 + small(rng, 3)):
        state = "int8" if rng.integers(2) else "int16"
        network.svdf(2 * small(rng, 8), small(rng, 2), small(rng, 12), state=state)
    add_classifier(network)
    return network


def damaged(model: bytes, rng: Random) -> bytes:
    """The model with one to three changed bytes, anywhere."""
    changed = bytearray(model)
    for _ in range(small(rng, 3)):
        place = int(rng.integers(len(model)))
        kinds = (changed[place] ^ 1 << rng.integers(8), rng.integers(256), rng.choice(EXTREMES))
        changed[place] = int(kinds[rng.integers(3)])
    return bytes(changed)


def option_types(model: bytes) -> list[int]:
    """The type of the options of each operator."""
    whole = load_schema().ModelT.InitFromPackedBuf(model, 0)
    return [op.builtinOptionsType for graph in whole.subgraphs for op in graph.operators]


def test_a_damaged_model_gives_upstreams_bytes_or_is_refused():
    """One exception: the type of an operator's options is damaged. Stapes does not read it."""
    networks = [make(np.random.default_rng(i)) for i in range(6) for make in (convolutions, stream)]
    models = [network.finish() for network in networks]
    counts: Counter[str] = Counter()
    for seed in range(MUTANTS):
        rng = np.random.default_rng(seed)
        which = int(rng.integers(len(models)))
        model = damaged(models[which], rng)
        found = fate(model, rng)
        counts[found] += 1
        if found == "different":
            old, new = (option_types(each) for each in (models[which], model))
            assert old != new, f"seed {seed}"
    compared = counts["equal"] + counts["different"]
    assert counts["refused"] > MUTANTS // 4 and compared > MUTANTS // 10, counts
