"""Training on several machines: TensorFlow's MultiWorkerMirroredStrategy, asked for by TF_CONFIG.

Every worker draws the same batches and takes its own rows of them, so that all workers together
see what one alone would see. The first worker, the chief, logs and writes.
"""

from __future__ import annotations

import contextlib
import json
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from stapes.errors import StapesError
from stapes.models.backend import tf

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)
# What Python raises for a document that is something else.
_MISTAKES = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Workers:
    """This process among its `count` colleagues; `strategy` is None where it is alone."""

    count: int = 1
    index: int = 0
    strategy: Any = None

    @classmethod
    def of_environment(cls) -> Workers:
        """Reads TF_CONFIG and meets the others; must come before TensorFlow computes anything.

        Raises:
            StapesError: TF_CONFIG is not what TensorFlow's documentation describes.
        """
        text = os.environ.get("TF_CONFIG", "")
        if not text:
            return cls()
        count, index = _parse(text)
        if count == 1:
            return cls()
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except (ValueError, RuntimeError, tf.errors.OpError) as error:
            reason = str(error).splitlines()[0]
            raise StapesError(
                f"TF_CONFIG: cannot work with the others ({reason}); check the addresses, "
                "and start all workers"
            ) from error
        return cls(count=count, index=index, strategy=strategy)

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    def scope(self) -> AbstractContextManager[Any]:
        """Where variables are made and used."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

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


def _parse(text: str) -> tuple[int, int]:
    """Number of workers, and which of them this is; a chief comes before the workers."""
    try:
        document = json.loads(text)
        cluster, task = document["cluster"], document["task"]
        chiefs, workers = _addresses(cluster, "chief"), _addresses(cluster, "worker")
        index = int(task["index"]) + (chiefs if task["type"] == "worker" else 0)
        if task["type"] not in ("chief", "worker") or not 0 <= index < chiefs + workers:
            raise ValueError(f"no {task['type']} {task['index']} in the cluster")
    except _MISTAKES as error:
        raise StapesError(
            f"TF_CONFIG: found no cluster of workers ({error}), expected such as {_EXAMPLE}"
        ) from error
    return chiefs + workers, index


def _addresses(cluster: dict[str, Any], job: str) -> int:
    """How many processes do this job; each has an address, host:port."""
    addresses = cluster.get(job, [])
    if not isinstance(addresses, list) or not all(isinstance(text, str) for text in addresses):
        raise ValueError(f"{job}: {addresses!a:.40} is no list of addresses")
    return len(addresses)
