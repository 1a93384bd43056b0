# SPDX-License-Identifier: Apache-2.0
"""Training on several machines: TensorFlow's MultiWorkerMirroredStrategy, asked for by TF_CONFIG.

Every worker draws the same batches and takes its own rows of them, so that all workers together
see what a single worker would see. The first worker, the chief, logs and writes.
"""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from stapes.errors import StapesError
from stapes.networks.backend import tf
from stapes.training.cluster import Cluster


@dataclass(frozen=True, kw_only=True)
class Workers(Cluster):
    """This process, one of `count` workers; `strategy` is None if it is the only one."""

    strategy: Any = None

    @classmethod
    def of_environment(cls) -> Workers:
        """Reads TF_CONFIG and meets the others; must come before TensorFlow computes anything.

        Raises:
            StapesError: TF_CONFIG is not what TensorFlow's documentation describes.
        """
        cluster = Cluster.of_environment()
        if cluster.count == 1:
            return cls()
        try:
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        except (ValueError, RuntimeError, tf.errors.OpError) as error:
            reason = str(error).splitlines()[0]
            raise StapesError(
                f"TF_CONFIG: cannot connect to the others ({reason}); check the addresses, "
                "and start all workers"
            ) from error
        return cls(count=cluster.count, index=cluster.index, strategy=strategy)

    def scope(self) -> AbstractContextManager[Any]:
        """Where variables are made and used."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()
