# SPDX-License-Identifier: Apache-2.0
"""The decoder compared with TensorFlow's rules, which are written here again in exact fractions.

Rules: recognize_commands.cc of tensorflow/examples/speech_commands. The numbers are its order of
work. Hand-worked sequences for each rule are in tests/firmware/decoder_test.cc.
"""

import contextlib
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stapes.device.decoder import Decoder, frame_capacity, threshold_q16
from stapes.errors import StapesError
from stapes.model.settings import DecoderSettings, FrontEndSettings, ModelSettings

STRIDE_MS = 20


class Rules:
    """RecognizeCommands with averages as fractions and the clock as an unbounded integer, and
    Stapes' additions as docs/numerics.md words them."""

    def __init__(self, labels: tuple[str, ...], decoder: DecoderSettings, capacity: int) -> None:
        self.labels = labels
        self.capacity = capacity  # Stapes' memory is bounded
        self.window_ms = decoder.average_window_duration_ms
        self.settings = decoder
        self.queue: list[tuple[int, list[Fraction]]] = []
        self.heard = 0
        self.held: set[str] = set()
        self.previous_label = "_silence_"
        self.previous_time: int | None = None

    def threshold(self, label: str) -> Fraction:
        value = self.settings.label_thresholds.get(label, self.settings.detection_threshold)
        if self.settings.mode == "streaming" and label.startswith("_"):
            value = self.settings.label_thresholds.get(label, 1)
        return Fraction(threshold_q16(value), 65536)

    def process(self, scores: list[int], time_ms: int) -> tuple[str, Fraction, bool] | None:
        """Label, score, whether it is new; None for times that are refused."""
        if self.queue:  # 2
            first = self.queue[0 if self.settings.compatibility == "tutorial" else -1][0]
            if time_ms < first:
                return None
        self.queue.append((time_ms, [Fraction(q + 128, 256) for q in scores]))  # 3
        self.heard += 1
        limit = time_ms - self.window_ms
        while self.queue[0][0] < limit or len(self.queue) > self.capacity:  # 4
            self.queue.pop(0)
        if not self.is_ready(time_ms):
            return self.previous_label, Fraction(0), False  # 5
        means = {
            label: sum(entry[1][index] for entry in self.queue) / len(self.queue)
            for index, label in enumerate(self.labels)
        }  # 6
        label = max(self.labels, key=means.__getitem__)  # 7, of equal ones the first
        hysteresis = Fraction(threshold_q16(self.settings.hysteresis), 65536)
        self.held = {
            held for held in self.held if means[held] > max(0, self.threshold(held) - hysteresis)
        }
        is_new = (
            means[label] > self.threshold(label)
            and self.may_follow(label)
            and not self.is_suppressed(time_ms)
        )  # 9
        if is_new:
            self.previous_label, self.previous_time = label, time_ms
            self.held.add(label)
        return label, means[label], is_new  # 10

    def is_ready(self, time_ms: int) -> bool:
        if self.settings.mode == "streaming":
            return self.heard >= self.settings.minimum_count
        span = time_ms - self.queue[0][0]
        return len(self.queue) >= self.settings.minimum_count and span >= self.window_ms // 4

    def is_suppressed(self, time_ms: int) -> bool:
        if self.previous_label == "_silence_" or self.previous_time is None:  # 8: for ever
            return False
        return time_ms - self.previous_time <= self.settings.suppression_ms

    def may_follow(self, label: str) -> bool:
        streaming, retrigger = self.settings.mode == "streaming", self.settings.retrigger
        if self.settings.hysteresis and label in self.held:
            return False
        if streaming:
            return retrigger or label not in self.held
        return label != self.previous_label or (retrigger and label != "_silence_")


def round_to_nearest(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


originals = {
    "average_window_duration_ms": st.sampled_from([1, 79, 80, 100, 200, 500, 1000]),
    "detection_threshold": st.one_of(
        st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.integers(0, 256).map(lambda n: n / 256)
    ),
    "suppression_ms": st.sampled_from([0, 20, 100, 500]),
    "minimum_count": st.integers(1, 5),
}
decoders = st.builds(DecoderSettings, **originals)
tutorials = st.builds(DecoderSettings, compatibility=st.just("tutorial"), **originals)
extended = st.builds(
    DecoderSettings,
    **originals,
    label_thresholds=st.dictionaries(
        st.sampled_from(["_silence_", "yes"]), st.integers(0, 256).map(lambda n: n / 256)
    ),
    hysteresis=st.sampled_from([0.0, 0.1, 0.3, 1.0]),
    retrigger=st.booleans(),
    mode=st.sampled_from(["recognize_commands", "streaming"]),
)
label_sets = st.sampled_from(
    [("_silence_", "yes", "no"), ("yes", "_silence_"), ("yes", "no"), ("a", "b", "c", "d", "e")]
)
# Runs of one leading label, so that words last long enough to be detected.
runs = st.lists(
    st.tuples(
        st.integers(0, 4),  # the leader
        st.sampled_from([-128, 0, 1, 60, 127]),  # its score
        st.integers(1, 12),  # frames
        st.sampled_from([1, 1, 1, 2, 30]),  # strides from one frame to the next
    ),
    min_size=1,
    max_size=14,
)


def model_of(decoder, labels):
    return ModelSettings(name="m", labels=labels, front_end=FrontEndSettings(), decoder=decoder)


def decode(decoder, labels, rows, times):
    """Through the firmware, one score at a time; refused ones are left out."""
    native = Decoder(model_of(decoder, labels))
    found = []
    for row, time in zip(rows, times, strict=True):
        with contextlib.suppress(ValueError):
            found += native.process(np.array([row], np.int8), np.array([time % 2**32], np.uint32))
    return [(entry.time_ms, entry.label, entry.score_q16) for entry in found]


def expect(decoder, labels, rows, times):
    rules = Rules(labels, decoder, frame_capacity(model_of(decoder, labels)))
    expected = []
    for row, time in zip(rows, times, strict=True):
        result = rules.process(row, time)
        if result is not None and result[2]:
            expected.append((time % 2**32, result[0], round_to_nearest(result[1] * 65536)))
    return expected


def unroll(labels, runs, start):
    rows, times = [], []
    time_ms = start
    for leader, score, count, strides in runs:
        for _ in range(count):
            row = [-100] * len(labels)
            row[leader % len(labels)] = score
            rows.append(row)
            times.append(time_ms)
            time_ms += strides * STRIDE_MS
    return rows, times


starts = st.sampled_from([0, 30, 2**32 - 500])


@settings(max_examples=200)
@given(decoder=decoders, labels=label_sets, runs=runs, start=starts)
def test_detections_are_those_of_the_rules(decoder, labels, runs, start):
    rows, times = unroll(labels, runs, start)
    assert decode(decoder, labels, rows, times) == expect(decoder, labels, rows, times)


@settings(max_examples=300)
@given(decoder=extended, runs=runs, start=starts)
def test_the_additions_are_as_documented(decoder, runs, start):
    labels = ("_silence_", "yes", "no", "_unknown_")
    rows, times = unroll(labels, runs, start)
    assert decode(decoder, labels, rows, times) == expect(decoder, labels, rows, times)


@settings(max_examples=200)
@given(
    decoder=st.one_of(tutorials, decoders),
    runs=runs,
    late=st.lists(st.tuples(st.integers(0, 100), st.integers(1, 700)), max_size=6),
)
def test_times_that_run_backwards_are_treated_as_the_settings_say(decoder, runs, late):
    labels = ("_silence_", "yes", "no")
    rows, times = unroll(labels, runs, 1000)
    for place, by_ms in late:
        times[place % len(times)] -= by_ms
    assert decode(decoder, labels, rows, times) == expect(decoder, labels, rows, times)


def test_reset_forgets_everything():
    decoder = Decoder(ModelSettings(name="m", labels=("_silence_", "yes")))
    scores = np.tile(np.array([-128, 127], np.int8), (40, 1))
    times = np.arange(30, 830, 20, dtype=np.uint32)
    first = decoder.process(scores, times)
    decoder.reset()
    assert decoder.process(scores, times) == first
    assert len(first) == 1


@pytest.mark.parametrize(
    "beyond",
    [
        {"retrigger": True},
        {"hysteresis": 0.1},
        {"mode": "streaming"},
        {"label_thresholds": {"a": 1}},
    ],
)
def test_the_tutorials_results_are_promised_for_its_own_rules_only(beyond):
    with pytest.raises(StapesError, match="compatibility='tutorial': expected none with"):
        DecoderSettings(compatibility="tutorial", **beyond)


def test_thresholds_are_of_labels_that_the_model_has():
    decoder = DecoderSettings(label_thresholds={"maybe": 0.5})
    with pytest.raises(StapesError, match="found 'maybe', expected one of yes, no"):
        ModelSettings(name="m", labels=("yes", "no"), decoder=decoder)


def test_settings_of_models_from_before_the_additions_still_load():
    document = (
        '{"format":1,"name":"m","labels":["yes","no"],"decoder":{"average_window_duration_ms":500,'
        '"detection_threshold":0.7,"suppression_ms":500,"minimum_count":4}}'
    )
    decoder = ModelSettings.from_json(document, source="m.tflite").decoder
    assert decoder == DecoderSettings(
        average_window_duration_ms=500, detection_threshold=0.7, minimum_count=4
    )


def test_settings_with_the_additions_read_back_as_written():
    decoder = DecoderSettings(
        label_thresholds={"yes": 0.25, "no": 1}, hysteresis=0.5, retrigger=True, mode="streaming"
    )
    model = ModelSettings(name="m", labels=("yes", "no"), decoder=decoder)
    assert ModelSettings.from_json(model.to_json(), source="m").decoder == decoder
    damaged = model.to_json().replace("0.25", '"a"')
    with pytest.raises(StapesError, match="label_thresholds"):
        ModelSettings.from_json(damaged, source="m")
