"""Exact confidence intervals for counts: what a short test can and cannot say."""

from __future__ import annotations

from scipy import special  # scipy.stats takes half a second to import

CONFIDENCE = 0.95


def poisson_interval(count: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bounds of the expected number of events of which `count` were seen.

    Source: F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28 (1936).
    """
    tail = (1 - confidence) / 2
    low = special.gammaincinv(count, tail) if count else 0.0
    return float(low), float(special.gammaincinv(count + 1, 1 - tail))


def binomial_interval(
    count: int, trials: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bounds of the probability of an event that came `count` times in `trials`; 0 to 1 of none.

    Source: C. Clopper and E. Pearson, Biometrika 26 (1934).
    """
    if not trials:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = special.betaincinv(count, trials - count + 1, tail) if count else 0.0
    high = special.betaincinv(count + 1, trials - count, 1 - tail) if count < trials else 1.0
    return float(low), float(high)
