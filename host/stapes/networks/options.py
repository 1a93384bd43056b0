"""What an architecture is asked for; free of TensorFlow, so that settings load quickly."""

from __future__ import annotations

from dataclasses import dataclass

from stapes.errors import StapesError

# Far above what fits a microcontroller; without limits a slip of the finger takes all memory.
MAX_LAYERS = 32
MAX_UNITS = 8192


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
            values = getattr(self, name)
            if len(values) > MAX_LAYERS or any(not 1 <= value <= MAX_UNITS for value in values):
                raise StapesError(
                    f"--{name}={','.join(map(str, values))}: expected up to {MAX_LAYERS} numbers "
                    f"from 1 to {MAX_UNITS}"
                )
        if not 0 <= self.svdf_rank <= 16:
            raise StapesError(f"--svdf_rank={self.svdf_rank}: expected 1 to 16")
        if not 0 <= self.bottleneck_units <= MAX_UNITS:
            raise StapesError(
                f"--bottleneck_units={self.bottleneck_units}: expected 0 to {MAX_UNITS}"
            )
        if self.dropout != -1 and not 0 <= self.dropout < 1:
            raise StapesError(f"--dropout={self.dropout:g}: expected 0 up to, not including, 1")
