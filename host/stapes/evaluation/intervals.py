# SPDX-License-Identifier: Apache-2.0
"""Exact confidence intervals for counts: what a short test can and cannot say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special  # scipy.stats takes half a second to import

CONFIDENCE = 0.95
# If no event came in T hours, the rate is below RULE_OF_THREE / T, with 95% confidence.
RULE_OF_THREE = 3.0
_SEED = 59185
_RESAMPLES = 2000
_FEW_SOURCES = 10  # fewer sources do not show how much sources differ


def poisson_interval(count: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Bounds of the expected number of events when `count` events were seen.

    Source: F. Garwood, Fiducial limits for the Poisson distribution, Biometrika 28 (1936).
    """
    tail = (1 - confidence) / 2
    low = special.gammaincinv(count, tail) if count else 0.0
    return float(low), float(special.gammaincinv(count + 1, 1 - tail))


def binomial_interval(
    count: float, trials: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bounds of the probability of an event that came `count` times in `trials` trials; 0 to 1
    without trials.

    Source: C. Clopper and E. Pearson, Biometrika 26 (1934).
    """
    if not trials:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = special.betaincinv(count, trials - count + 1, tail) if count else 0.0
    high = special.betaincinv(count + 1, trials - count, 1 - tail) if count < trials else 1.0
    return float(low), float(high)


def cluster_interval(
    events: Sequence[bool], sources: Sequence[str], *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Bounds of the probability of an event, when trials of one source (a recording, a speaker)
    have similar results: to draw a few recordings many times gives no more knowledge.

    The bootstrap over sources: percentiles of the share in random selections of as many sources. If
    all trials had the same result, the interval is exact, with each source as one trial. With fewer
    than ten sources, the interval is never narrower than that of as many trials with this share.

    Source: A. Davison and D. Hinkley, Bootstrap Methods and their Application (1997), 3.8.
    """
    names, source = np.unique(np.asarray(sources), return_inverse=True)
    happened = np.bincount(source, weights=np.asarray(events, float), minlength=len(names))
    trials = np.bincount(source, minlength=len(names))
    if happened.sum() in (0, trials.sum()):
        return binomial_interval(
            len(names) if happened.any() else 0, len(names), confidence=confidence
        )
    generator = np.random.default_rng(_SEED)
    drawn = generator.multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=_RESAMPLES
    ).astype(np.float64)
    shares = (drawn @ happened) / (drawn @ trials)
    tail = 100 * (1 - confidence) / 2
    low, high = map(float, np.percentile(shares, [tail, 100 - tail]))
    if len(names) >= _FEW_SOURCES:
        return low, high
    lost = len(names) * happened.sum() / trials.sum()
    least, most = binomial_interval(lost, len(names), confidence=confidence)
    return min(low, least), max(high, most)
