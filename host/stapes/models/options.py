"""What an architecture is asked for; free of TensorFlow, so that settings load quickly."""

from __future__ import annotations

from dataclasses import dataclass

from stapes.errors import StapesError


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """What goes in, [frames, features] of float, and how many labels come out."""

    frames: int
    features: int
    labels: int


@dataclass(frozen=True, kw_only=True)
class ModelOptions:
    """Options of all architectures; (), 0 and, for dropout, -1 stand for the architecture's own."""

    svdf_units: tuple[int, ...] = ()
    svdf_memory: tuple[int, ...] = ()
    svdf_rank: int = 0
    bottleneck_units: int = 0
    dropout: float = -1.0

    def __post_init__(self) -> None:
        for name in ("svdf_units", "svdf_memory"):
            if any(value < 1 for value in getattr(self, name)):
                raise StapesError(
                    f"--{name}={','.join(map(str, getattr(self, name)))}: expected numbers >= 1"
                )
        if not 0 <= self.svdf_rank <= 16:
            raise StapesError(f"--svdf_rank={self.svdf_rank}: expected 1 to 16")
        if self.bottleneck_units < 0:
            raise StapesError(f"--bottleneck_units={self.bottleneck_units}: expected 0 or more")
        if self.dropout != -1 and not 0 <= self.dropout < 1:
            raise StapesError(f"--dropout={self.dropout:g}: expected 0 up to, not including, 1")
