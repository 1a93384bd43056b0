# SPDX-License-Identifier: Apache-2.0
"""Writes nn_models.inc: small models with the outputs that upstream's runtime gives for them.

Run it from the repository's root after a change of the models below:

    python tests/firmware/make_nn_models.py
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "nn"))

from nn_models import Network, upstream_outputs  # noqa: E402
from test_nn_operators import streaming_conv  # noqa: E402

INFERENCES = 5


def svdf(rng: np.random.Generator) -> Network:
    network = Network(rng, (1, 7))
    network.svdf(5, 2, 3)
    network.fully_connected(3, per_row=True)
    network.softmax()
    return network


def convolution(rng: np.random.Generator) -> Network:
    network = Network(rng, (1, 5, 4, 2))
    network.conv_2d(3)
    network.depthwise_conv_2d(1)
    network.pool_2d("MAX_POOL_2D")
    network.same_quantization("RESHAPE", shape=(1, int(np.prod(network.shape))))
    network.fully_connected(3)
    return network


def array(name: str, kind: str, values: bytes | np.ndarray) -> str:
    numbers = [str(int(value)) for value in np.frombuffer(values, kind).ravel()]
    lines = [f"alignas(16) constexpr {kind}_t {name}[] = {{"]
    lines += ["    " + ", ".join(numbers[i : i + 20]) + "," for i in range(0, len(numbers), 20)]
    return "\n".join([*lines, "};", ""])


def liveliest(make: Callable[[np.random.Generator], Network]) -> tuple[bytes, list, list]:
    """The random model, of several, whose outputs take the most values besides the extremes."""
    best = (-1, b"", [], [])
    for seed in range(200):
        network = make(np.random.default_rng(seed))
        shape = tuple(network.tensors[network.input].shape)
        model = network.finish()
        rng = np.random.default_rng(0)
        inputs = [rng.integers(-128, 128, shape).astype(np.int8) for _ in range(INFERENCES)]
        outputs = upstream_outputs(model, inputs)
        values = len(set(np.stack(outputs).ravel().tolist()) - {-128, 127})
        if outputs[0].size <= 64 and values > best[0]:
            best = (values, model, inputs, outputs)
    return best[1:]


def main() -> None:
    parts = ["// Written by make_nn_models.py; the outputs are those of upstream's runtime.", ""]
    makers = {"Svdf": svdf, "Convolution": convolution, "Streaming": streaming_conv}
    for name, make in makers.items():
        model, inputs, outputs = liveliest(make)
        parts.append(array(f"k{name}Model", "uint8", model))
        parts.append(array(f"k{name}Inputs", "int8", np.stack(inputs).tobytes()))
        parts.append(array(f"k{name}Outputs", "int8", np.stack(outputs).tobytes()))
    (HERE / "nn_models.inc").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
