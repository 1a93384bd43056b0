"""Every operator of the engine gives the bytes of upstream's reference kernels."""

from __future__ import annotations

import pytest
from nn_models import Network, Random, check_models, scale


def small(rng: Random, most: int = 24) -> int:
    return int(rng.integers(1, most + 1))


def test_fully_connected_with_one_scale_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 4), small(rng, 70)))
        network.fully_connected(small(rng), with_bias=bool(rng.integers(2)))
        return network

    check_models(make)


def test_fully_connected_with_a_scale_per_row_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 4), small(rng, 70)))
        network.fully_connected(small(rng) + 1, per_row=True, with_bias=bool(rng.integers(2)))
        return network

    check_models(make)


@pytest.mark.parametrize("state", ["int16", "int8"])
def test_svdf_keeps_its_state_like_upstream(state: str):
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 3), small(rng, 50)))
        network.svdf(small(rng), small(rng, 4), small(rng, 9), state=state)
        return network

    check_models(make)


def test_softmax_equals_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (small(rng, 3), small(rng, 40)), input_scale=scale(rng, 1e-4, 2.0))
        network.softmax()
        return network

    check_models(make)


def test_reshape_between_layers_equals_upstream():
    def make(rng: Random) -> Network:
        rows, columns = small(rng, 6), small(rng, 6)
        network = Network(rng, (1, rows, columns))
        zero = int(rng.integers(-128, 128))
        network.chain("RESHAPE", shape=(1, rows * columns), scale_=network.scale, zero=zero)
        network.fully_connected(small(rng))
        return network

    check_models(make)


def test_layers_of_svdf_and_fully_connected_equal_upstream():
    def make(rng: Random) -> Network:
        network = Network(rng, (1, small(rng, 40)))
        for _ in range(small(rng, 4)):
            if rng.integers(2):
                network.svdf(small(rng), small(rng, 3), small(rng, 12))
            else:
                network.fully_connected(small(rng), per_row=bool(rng.integers(2)))
        network.fully_connected(1 + small(rng, 8))
        network.softmax()
        return network

    check_models(make)
