# SPDX-License-Identifier: Apache-2.0
"""The results of a training so far: kept in its checkpoint, drawn as curves, used to stop it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from stapes.model.settings import settings_from_dict


@dataclass(frozen=True, kw_only=True)
class Point:
    """Accuracy, 0 to 1, and cross entropy after `step` steps."""

    step: int
    accuracy: float
    cross_entropy: float


@dataclass(kw_only=True)
class History:
    """`training` holds points of single batches, `validation` those of the whole partition.

    Validations up to step `judged_after` were of another network (float, before int8 was
    simulated): the best one is not looked for among them.
    """

    training: list[Point] = field(default_factory=list)
    validation: list[Point] = field(default_factory=list)
    judged_after: int = 0

    def best(self) -> Point | None:
        """The validation with the highest accuracy; among equal ones, the first."""
        judged = [point for point in self.validation if point.step > self.judged_after]
        return max(judged, key=lambda point: point.accuracy, default=None)

    def is_best(self) -> bool:
        """Whether the latest validation is better than all before it."""
        return bool(self.validation) and self.best() is self.validation[-1]

    def evaluations_since_best(self) -> int:
        best = self.best()
        return sum(best is not None and point.step > best.step for point in self.validation)

    def until(self, step: int) -> History:
        """The history without the points after `step`."""
        return History(
            training=[point for point in self.training if point.step <= step],
            validation=[point for point in self.validation if point.step <= step],
            judged_after=self.judged_after,
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> History:
        """Raises:
        TypeError, ValueError, KeyError: not what `to_json` wrote.
        """
        document = json.loads(text)
        names = ("training", "validation")
        return cls(
            judged_after=int(document.get("judged_after", 0)),
            **{
                name: [settings_from_dict(Point, item) for item in document.get(name, [])]
                for name in names
            },
        )
