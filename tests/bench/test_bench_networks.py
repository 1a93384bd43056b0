# SPDX-License-Identifier: Apache-2.0
"""The networks of bench/engine.py compute upstream's bytes: what is measured is the right thing."""

import zlib

import numpy as np
import pytest

from networks import NETWORKS
from stapes.firmware.measure import measured_inputs, outputs_crc

MACS = {"ds_cnn": 2_656_768, "wake_word": 826_368, "svdf_small": 21_056}


def upstream_checksum(network) -> int:
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    interpreter = runtime.Interpreter.from_bytes(network.model)
    crc = 0
    for frame in measured_inputs(network.model):
        interpreter.set_input(frame, 0)
        interpreter.invoke()
        crc = zlib.crc32(np.ascontiguousarray(interpreter.get_output(0)).tobytes(), crc)
    return crc


@pytest.mark.parametrize("name", NETWORKS)
def test_network_gives_upstreams_bytes(name: str):
    network = NETWORKS[name]()
    assert outputs_crc(network.model) == upstream_checksum(network)


@pytest.mark.parametrize("name", MACS)
def test_network_has_the_size_of_the_reference_model(name: str):
    assert NETWORKS[name]().macs == MACS[name]
