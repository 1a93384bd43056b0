# SPDX-License-Identifier: Apache-2.0
"""TF_CONFIG: how many processes train together, and which of them this one is.

It is read without TensorFlow, which takes seconds to load. Form: TensorFlow's guide "Distributed
training with Keras", section "TF_CONFIG".
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from stapes.errors import StapesError

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """This process, `index`, among `count`."""

    count: int = 1
    index: int = 0

    @classmethod
    def of_environment(cls) -> Cluster:
        """Raises:
        StapesError: TF_CONFIG is not what TensorFlow's documentation describes.
        """
        text = os.environ.get("TF_CONFIG", "")
        if not text:
            return Cluster()
        try:
            return _parse(json.loads(text))
        except (ValueError, RecursionError) as error:
            raise StapesError(
                f"TF_CONFIG: found no cluster of workers ({error}), expected such as {_EXAMPLE}"
            ) from error

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    def rows(self, batch_size: int) -> slice:
        """The rows of a batch that this worker trains on.

        Raises:
            StapesError: the batch cannot be shared out evenly.
        """
        if batch_size % self.count:
            raise StapesError(
                f"--batch_size={batch_size}: expected a multiple of {self.count}, the workers in "
                "TF_CONFIG"
            )
        share = batch_size // self.count
        return slice(share * self.index, share * (self.index + 1))


def _parse(document: Any) -> Cluster:
    """The cluster of TF_CONFIG; if there is a chief, it is numbered before the workers.

    Raises:
        ValueError: something does not fit; its text says what.
    """
    cluster, task = _member(document, "cluster", dict), _member(document, "task", dict)
    if others := sorted(set(cluster) - {"chief", "worker"}):
        raise ValueError(f"a job {others[0]!a}, expected only chief and worker")
    chiefs, workers = _addresses(cluster, "chief"), _addresses(cluster, "worker")
    if len(chiefs) > 1:
        raise ValueError(f"{len(chiefs)} chiefs where there can be one")
    addresses = [*chiefs, *workers]
    if twice := [text for text in addresses if addresses.count(text) > 1]:
        raise ValueError(f"{twice[0]} twice")
    job, number = _member(task, "type", str), _member(task, "index", int)
    peers = {"chief": chiefs, "worker": workers}.get(job, [])
    if not 0 <= number < len(peers):
        raise ValueError(f"no {job!a:.40} {number!a:.20} among its {len(peers)}")
    return Cluster(count=len(addresses), index=addresses.index(peers[number]))


def _member(document: Any, name: str, kind: type) -> Any:
    value = document.get(name) if isinstance(document, dict) else None
    if type(value) is not kind:
        raise ValueError(f"{name}: {value!a:.40}")
    return value


def _addresses(cluster: dict[str, Any], job: str) -> list[str]:
    """One for each process that does this job, host:port."""
    addresses = cluster.get(job, [])
    if not isinstance(addresses, list):
        raise ValueError(f"{job}: {addresses!a:.40} is no list of addresses")
    for text in addresses:
        host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
        if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
            raise ValueError(f"{job}: {text!a:.40} is no host:port")
    return addresses
