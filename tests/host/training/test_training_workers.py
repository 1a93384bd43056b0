# SPDX-License-Identifier: Apache-2.0
"""Training on several machines: two workers learn the same as one."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest
from tones import trained_tones

from stapes.cli.main import main
from stapes.errors import StapesError
from stapes.training.checkpoint import FILE_NAME, Checkpoint
from stapes.training.cluster import Cluster
from stapes.training.workers import Workers

FLAGS = (
    *("--wanted_words", "up,down", "--sample_rate", "8000", "--preprocess", "logmel"),
    *("--feature_bin_count", "10", "--model_architecture", "low_latency_svdf"),
    *("--svdf_units", "16", "--dropout", "0", "--batch_size", "32", "--learning_rate", "0.05"),
    *("--optimizer", "momentum", "--how_many_training_steps", "8", "--save_step_interval", "4"),
)


def command(folder, *more: str) -> list[str]:
    data = str(trained_tones().data_dir)
    return ["train", "--data_dir", data, "--train_dir", str(folder), *FLAGS, *more]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def config(index: int, addresses: list[str]) -> str:
    cluster = {"worker": addresses}
    return json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})


def start_two(folder, *more: str) -> list[subprocess.Popen]:
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    return [
        subprocess.Popen(
            [sys.executable, "-m", "stapes", *command(folder, *more)],
            env={**os.environ, "TF_CONFIG": config(index, addresses)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]


def test_two_workers_learn_what_one_learns_and_the_chief_writes(tmp_path):
    # Ctrl-C for one of them stops both after the same step.
    steps = ("--how_many_training_steps", "100000", "--verbosity", "debug")
    chief, other = start_two(tmp_path / "two", *steps)
    while not chief.stdout.readline().startswith("Step #3:"):
        assert chief.poll() is None, chief.stderr.read()
    other.send_signal(signal.SIGINT)
    outputs = [process.communicate(timeout=300) for process in (chief, other)]
    assert [chief.returncode, other.returncode] == [130, 130], outputs
    stopped = Checkpoint.load(tmp_path / "two" / FILE_NAME).step
    assert f"Stopped at step {stopped}; the same command goes on" in outputs[0][0]
    # They continue from there, and learn the same as one.
    steps = ("--how_many_training_steps", str(stopped + 2))
    processes = start_two(tmp_path / "two", *steps)
    outputs = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert f"Step #{stopped + 2}:" in outputs[0][0] and "wrote" in outputs[0][0]
    assert not outputs[1][0]
    assert main(command(tmp_path / "one", *steps)) == 0
    two, one = (Checkpoint.load(tmp_path / name / FILE_NAME) for name in ("two", "one"))
    assert two.step == one.step == stopped + 2
    for a, b in zip(two.model, one.model, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert two.history.validation[-1].accuracy == one.history.validation[-1].accuracy
    # One machine continues the training of two.
    steps = ("--how_many_training_steps", str(stopped + 3))
    assert main(command(tmp_path / "two", *steps)) == 0


def test_each_worker_has_its_own_rows():
    assert [Cluster(count=4, index=index).rows(8) for index in range(4)] == [
        slice(0, 2),
        slice(2, 4),
        slice(4, 6),
        slice(6, 8),
    ]
    with pytest.raises(StapesError, match="--batch_size=10: expected a multiple of 4"):
        Cluster(count=4).rows(10)


@pytest.mark.parametrize(
    "text",
    [
        "here",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 2}}',
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "ps", "index": 0}}',
        '{"cluster": [], "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": "ab"}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", 5]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1e999}}',
        '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": true}}',
        '{"cluster": {"worker": ["a:1"], "ps": ["b:2"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"chief": ["a:1", "b:2"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "a:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1", "b:99999"]}, "task": {"type": "worker", "index": 0}}',
        "[" * 100000,
    ],
)
def test_a_tf_config_that_makes_no_sense_is_told(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(StapesError, match="TF_CONFIG: found no cluster of workers"):
        Cluster.of_environment()


def test_a_tf_config_that_makes_no_sense_is_told_before_tensorflow_loads(tmp_path):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "stapes", *command(tmp_path / "two")],
        env={**os.environ, "TF_CONFIG": config(2, ["a:1", "b:2"])},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "no 'worker' 2 among its 2" in done.stderr
    assert "tensorflow" not in done.stderr and not (tmp_path / "two").exists()


def test_a_chief_comes_before_the_workers(monkeypatch):
    cluster = {"chief": ["a:1"], "worker": ["b:1", "c:1"]}
    for job, number, index in (("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)):
        task = {"type": job, "index": number}
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
        assert Cluster.of_environment() == Cluster(count=3, index=index)


def test_a_cluster_of_one_is_no_cluster(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", config(0, ["127.0.0.1:1"]))
    assert Workers.of_environment() == Workers()
