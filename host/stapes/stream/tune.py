# SPDX-License-Identifier: Apache-2.0
"""Finds the decoder settings that detect most words at a given rate of false accepts.

Scores are computed once; for every candidate, the firmware's decoder decodes them again. First,
combinations of modes, averaging windows and suppression times are tried at a few thresholds each.
The best of them then get a full curve, on which the operating point is chosen. Thresholds per label
come from the same curve, which has lost words and false accepts of each label alone; then all these
thresholds are decoded together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stapes.device.decoder import frame_capacity
from stapes.errors import StapesError
from stapes.model.settings import DECODER_MODES, DecoderSettings, ModelSettings
from stapes.options import check, like, setting
from stapes.stream.accuracy import ScoreSettings, StreamScore
from stapes.stream.curve import (
    CurvePoint,
    Material,
    at_threshold,
    curve_thresholds,
    detection_curve,
    score_material,
)

COARSE_POINTS = 24
FINE_POINTS = 64
FINALISTS = 8
LABEL_ATTEMPTS = 8


@dataclass(frozen=True, kw_only=True)
class TuneSettings:
    """What to try, and the target. Suppression only matters for words that come twice.

    `margin_percent` more of the words may be lost to get the highest threshold that is possible
    with this loss: if the audio has no false accept, it cannot show that a higher threshold is
    better, but other audio can. `lowest` is for the opposite: words that are easier than those of
    people cannot show that a lower threshold is better, but hours without a word show how low it
    may be.
    """

    fa_per_hour: float = setting(
        0.5, least=0, most=10000, metavar="RATE", help="most false accepts per hour"
    )
    modes: tuple[str, ...] = setting(
        DECODER_MODES,
        choices=DECODER_MODES,
        shortest=1,
        metavar="MODE,...",
        help="decoder modes to try",
    )
    average_window_duration_ms: tuple[int, ...] = like(
        DecoderSettings,
        "average_window_duration_ms",
        default=(100, 200, 300, 500, 700, 1000),
        shortest=1,
        metavar="MS,...",
        help="averaging windows to try",
    )
    suppression_ms: tuple[int, ...] = like(
        DecoderSettings,
        "suppression_ms",
        default=(500, 1000, 1500),
        shortest=1,
        metavar="MS,...",
        help="suppression times to try",
    )
    per_label: bool = setting(False, help="choose a threshold for each label")
    margin_percent: float = setting(
        0.0,
        least=0,
        most=100,
        metavar="PERCENT",
        help="further words to lose, for a higher threshold than this audio asks for",
    )
    lowest: bool = setting(
        False,
        help="of the thresholds that lose the fewest words within all limits, take the lowest, not "
        "the middle one: for words that are easier than people's",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.margin_percent and (self.per_label or self.lowest):
            other = "--per_label" if self.per_label else "--lowest"
            raise StapesError(
                f"--margin_percent: raises one threshold for all, expected no {other} beside it"
            )

    @property
    def candidates(self) -> int:
        """How many combinations of all settings except the threshold there are."""
        return len(self.modes) * len(self.average_window_duration_ms) * len(self.suppression_ms)

    @property
    def decodings(self) -> int:
        """How often all scores are decoded, as far as this is known before the work starts."""
        return self.candidates * COARSE_POINTS + min(FINALISTS, self.candidates) * FINE_POINTS


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Audio of another kind (talk, noise, words in noise) with its own limit of false accepts per
    hour, above 0."""

    name: str
    material: Sequence[Material]
    fa_per_hour: float

    def score(self, decoder: DecoderSettings, scoring: ScoreSettings) -> StreamScore:
        return score_material(self.material, decoder, settings=scoring)


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The chosen decoder; its score on the material and on each other kind of audio; its point on a
    curve; and the curves of all finalists, by their names, its own first. `reached`: whether all
    limits are met."""

    decoder: DecoderSettings
    score: StreamScore
    kinds: dict[str, StreamScore]
    reached: bool
    point: CurvePoint
    curves: dict[str, list[CurvePoint]] = field(default_factory=dict)


def tune(
    material: Sequence[Material],
    start: DecoderSettings,
    *,
    settings: TuneSettings,
    scoring: ScoreSettings,
    kinds: Sequence[Kind] = (),
    workers: int | None = None,
    progress: Callable[[int], None] = lambda decodings: None,
) -> Tuned:
    """The decoder with the fewest false rejects at `settings.fa_per_hour` or less, and within the
    limits of all `kinds`; the words in these count as well.

    If no threshold reaches this, the decoder with the fewest false accepts. Among equal ones the
    shorter latency wins, then the earlier candidate. If several neighbouring thresholds score the
    same, the middle one is taken, which is farthest from both errors, or with `settings.lowest` the
    lowest one.

    Args:
        material: scores and ground truths, at least one word among them.
        start: settings that are not tried stay as they are here.
        settings: what to try, and the target.
        scoring: how detections belong to words.
        kinds: other audio, each with its own limit.
        workers: threads; the result is the same for any number.
        progress: called with the decodings done so far, of `settings.decodings`.

    Raises:
        StapesError: the ground truth has no words.
    """
    search = _Search(material, settings, scoring, kinds, workers, progress)
    if not search.words:
        raise StapesError("the ground truth: found no words, expected some to detect")
    candidates = search.candidates(start)
    coarse = {key: search.curve(decoder, COARSE_POINTS) for key, decoder in candidates.items()}
    ranked = sorted(candidates, key=lambda key: rejects_at(coarse[key], settings.fa_per_hour))
    finalists = ranked[:FINALISTS]
    fine = {key: search.curve(candidates[key], FINE_POINTS) for key in finalists}
    best = min(finalists, key=lambda key: search.rank(search.choose(fine[key])))
    point = search.raised(search.choose(fine[best]), fine[best])
    decoder = at_threshold(candidates[best], point.threshold)
    if settings.per_label:
        decoder = search.per_label(decoder, fine[best], point)
    score = score_material(material, decoder, settings=scoring)
    others = {kind.name: kind.score(decoder, scoring) for kind in kinds}
    reached = score.false_accepts_per_hour <= settings.fa_per_hour and all(
        others[kind.name].false_accepts_per_hour <= kind.fa_per_hour for kind in kinds
    )
    return Tuned(
        decoder=decoder,
        score=score,
        kinds=others,
        reached=reached,
        point=CurvePoint.of(point.threshold, score),
        curves={best: fine[best], **fine},
    )


class _Search:
    def __init__(
        self,
        material: Sequence[Material],
        settings: TuneSettings,
        scoring: ScoreSettings,
        kinds: Sequence[Kind],
        workers: int | None,
        progress: Callable[[int], None],
    ) -> None:
        self.material, self.settings, self.scoring = material, settings, scoring
        self.kinds = kinds
        self.workers, self.progress = workers, progress
        self.model: ModelSettings = material[0].track.settings
        self.hours = sum(piece.track.duration_ms for piece in material) / 3_600_000
        nothing = at_threshold(self.model.decoder, 1)
        self.words = score_material(material, nothing, settings=scoring).words
        self.done = 0

    def candidates(self, start: DecoderSettings) -> dict[str, DecoderSettings]:
        """All combinations, by a name for people."""
        tried = itertools.product(
            self.settings.modes,
            self.settings.average_window_duration_ms,
            self.settings.suppression_ms,
        )
        found = {}
        for mode, window_ms, suppression_ms in tried:
            decoder = replace(
                start,
                mode=mode,
                average_window_duration_ms=window_ms,
                suppression_ms=suppression_ms,
                compatibility="none",
            )
            found[f"{mode}, {window_ms} ms window, {suppression_ms} ms suppression"] = decoder
            frame_capacity(replace(self.model, decoder=decoder))  # refuses windows that do not fit
        return found

    def curve(self, decoder: DecoderSettings, points: int) -> list[CurvePoint]:
        def count() -> None:
            self.done += 1
            self.progress(self.done)

        form: dict[str, Any] = {
            "settings": self.scoring,
            "thresholds": curve_thresholds(points),
            "workers": self.workers,
        }
        curve = detection_curve(self.material, decoder, **form, progress=count)
        for kind in self.kinds:
            others = detection_curve(kind.material, decoder, **form)
            curve = [
                self.joined(*both, kind.fa_per_hour) for both in zip(curve, others, strict=True)
            ]
        return curve

    def joined(self, point: CurvePoint, other: CurvePoint, limit: float) -> CurvePoint:
        """Both points as one. Its rate of false accepts is that of the kind that uses most of its
        own limit, scaled to the target: it meets the target if both kinds keep their limits."""
        target, used = self.settings.fa_per_hour, other.false_accepts_per_hour / limit
        rate = target * used if used <= 1 else target + (used - 1) * max(target, 1)
        words, correct = point.words + other.words, point.correct + other.correct
        return replace(
            point,
            words=words,
            correct=correct,
            wrong=point.wrong + other.wrong,
            false_accepts=point.false_accepts + other.false_accepts,
            false_reject_rate=1 - correct / words,
            false_accepts_per_hour=max(point.false_accepts_per_hour, rate),
        )

    def rank(self, point: CurvePoint) -> tuple[float, ...]:
        """A key to compare points: smaller is better."""
        excess = max(0.0, point.false_accepts_per_hour - self.settings.fa_per_hour)
        latency = point.median_latency_ms
        return (
            excess,
            point.words - point.correct,
            point.false_accepts,
            latency if latency is not None else 0.0,
        )

    def choose(self, curve: Sequence[CurvePoint]) -> CurvePoint:
        """The best point. If neighbouring points are as good, the middle one, or the lowest."""
        if self.settings.lowest:
            return min(curve, key=lambda point: (*self.rank(point)[:2], point.threshold))

        def worth(point: CurvePoint) -> tuple[float, ...]:
            return self.rank(point)[:3]

        best = min(map(worth, curve))
        place = next(i for i, point in enumerate(curve) if worth(point) == best)
        last = place
        while last + 1 < len(curve) and worth(curve[last + 1]) == best:
            last += 1
        return curve[(place + last) // 2]

    def raised(self, point: CurvePoint, curve: Sequence[CurvePoint]) -> CurvePoint:
        """The point with the highest threshold at which no more words than the margin are lost."""
        margin = self.settings.margin_percent / 100 * point.words
        if not margin:
            return point

        def affordable(other: CurvePoint) -> bool:
            excess = self.rank(other)[0] > self.rank(point)[0]
            return not excess and point.correct - other.correct <= margin

        above = [other for other in curve if other.threshold > point.threshold]
        return max(filter(affordable, above), key=lambda p: p.threshold, default=point)

    def per_label(
        self, decoder: DecoderSettings, curve: Sequence[CurvePoint], point: CurvePoint
    ) -> DecoderSettings:
        """The decoder with a threshold for each label, if this is better than one for all."""
        budget = int(self.settings.fa_per_hour * self.hours)
        best, best_rank = decoder, self.rank(point)
        for _ in range(LABEL_ATTEMPTS):
            if budget < 0:
                break
            thresholds = split_budget(curve, budget)
            candidate = replace(
                decoder, label_thresholds={**decoder.label_thresholds, **thresholds}
            )
            score = score_material(self.material, candidate, settings=self.scoring)
            found = CurvePoint.of(point.threshold, score)
            if self.rank(found) < best_rank:
                best, best_rank = candidate, self.rank(found)
            over = found.false_accepts - int(self.settings.fa_per_hour * self.hours)
            if over <= 0:
                break
            budget -= over  # a detection of one label can suppress another label's
        return best


def rejects_at(curve: Sequence[CurvePoint], fa_per_hour: float) -> float:
    """The false reject rate of a curve at a rate of false accepts. Between points it is on the line
    between the best points on both sides; it is 1 if no point has so few false accepts."""

    def best(points: list[CurvePoint]) -> CurvePoint:
        return min(points, key=lambda p: (p.false_reject_rate, p.false_accepts_per_hour))

    within = [p for p in curve if p.false_accepts_per_hour <= fa_per_hour]
    if not within:
        return 1.0
    left = best(within)
    beyond = [p for p in curve if p.false_accepts_per_hour > fa_per_hour]
    if not beyond:
        return left.false_reject_rate
    nearest = min(p.false_accepts_per_hour for p in beyond)
    right = best([p for p in beyond if p.false_accepts_per_hour == nearest])
    width = right.false_accepts_per_hour - left.false_accepts_per_hour
    share = (fa_per_hour - left.false_accepts_per_hour) / width
    change = min(0.0, right.false_reject_rate - left.false_reject_rate)
    return left.false_reject_rate + share * change


def split_budget(curve: Sequence[CurvePoint], budget: int) -> dict[str, float]:
    """A threshold for each label, so that all false accepts together are at most `budget`, if this
    is possible, and the fewest words are lost. Labels are treated as independent of each other.

    A knapsack over labels: for each number of false accepts allowed, the fewest words lost.
    """
    labels = sorted({label for point in curve for label in point.labels})
    # Lost words and thresholds, by false accepts spent so far.
    best: dict[int, tuple[int, dict[str, float]]] = {0: (0, {})}
    for label in labels:
        grown: dict[int, tuple[int, dict[str, float]]] = {}
        for spent, (lost, chosen) in best.items():
            for cost, (words, threshold) in _options(curve, label).items():
                total = spent + cost
                if total > budget:
                    continue
                entry = (lost + words, {**chosen, label: threshold})
                if total not in grown or entry[0] < grown[total][0]:
                    grown[total] = entry
        if not grown:  # even the fewest false accepts are too many: highest threshold
            strictest = curve[-1].threshold
            grown = {s: (n, {**c, label: strictest}) for s, (n, c) in best.items()}
        best = grown
    return min(best.items(), key=lambda item: (item[1][0], item[0]))[1][1]


def _options(curve: Sequence[CurvePoint], label: str) -> dict[int, tuple[int, float]]:
    """For each number of false accepts of a label: the fewest words lost, and the middle one of the
    thresholds with these two numbers."""
    lost_by_cost: dict[int, int] = {}
    for point in curve:
        lost, cost = point.labels.get(label, (0, 0))
        lost_by_cost[cost] = min(lost, lost_by_cost.get(cost, lost))
    options = {}
    for cost, fewest in lost_by_cost.items():
        same = [p.threshold for p in curve if p.labels.get(label, (0, 0)) == (fewest, cost)]
        options[cost] = (fewest, same[len(same) // 2])
    return options
