"""The decoder against TensorFlow's rules, written down a second time in exact fractions.

Rules: recognize_commands.cc of tensorflow/examples/speech_commands. The numbers are its order of
work. Hand-worked sequences for each rule are in tests/firmware/decoder_test.cc.
"""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stapes.decoder import Decoder, threshold_q16
from stapes.settings import DecoderSettings, FrontEndSettings, ModelSettings

STRIDE_MS = 20


class Original:
    """RecognizeCommands with averages as fractions and the clock as an unbounded integer."""

    def __init__(self, labels: tuple[str, ...], decoder: DecoderSettings) -> None:
        self.labels = labels
        self.window_ms = decoder.average_window_duration_ms
        self.threshold = Fraction(threshold_q16(decoder.detection_threshold), 65536)
        self.suppression_ms = decoder.suppression_ms
        self.minimum_count = decoder.minimum_count
        self.queue: list[tuple[int, list[Fraction]]] = []
        self.previous_label = "_silence_"
        self.previous_time: int | None = None

    def process(self, scores: list[int], time_ms: int) -> tuple[str, Fraction, bool]:
        self.queue.append((time_ms, [Fraction(q + 128, 256) for q in scores]))  # 3
        limit = time_ms - self.window_ms
        self.queue = [entry for entry in self.queue if entry[0] >= limit]  # 4
        if len(self.queue) < self.minimum_count or time_ms - self.queue[0][0] < self.window_ms // 4:
            return self.previous_label, Fraction(0), False  # 5
        means = [
            sum(entry[1][label] for entry in self.queue) / len(self.queue)
            for label in range(len(self.labels))
        ]  # 6
        score = max(means)
        label = self.labels[means.index(score)]  # 7, of equal ones the first
        if self.previous_label == "_silence_" or self.previous_time is None:
            since_top = None  # 8: for ever
        else:
            since_top = time_ms - self.previous_time
        is_new = (
            score > self.threshold
            and label != self.previous_label
            and (since_top is None or since_top > self.suppression_ms)
        )  # 9
        if is_new:
            self.previous_label, self.previous_time = label, time_ms
        return label, score, is_new  # 10


def round_to_nearest(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


decoders = st.builds(
    DecoderSettings,
    average_window_duration_ms=st.sampled_from([1, 79, 80, 100, 200, 500, 1000]),
    detection_threshold=st.one_of(
        st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.integers(0, 256).map(lambda n: n / 256)
    ),
    suppression_ms=st.sampled_from([0, 20, 100, 500]),
    minimum_count=st.integers(1, 5),
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


@settings(max_examples=300, deadline=None)
@given(decoder=decoders, labels=label_sets, runs=runs, start=st.sampled_from([0, 30, 2**32 - 500]))
def test_detections_are_those_of_the_rules(decoder, labels, runs, start):
    model = ModelSettings(name="m", labels=labels, front_end=FrontEndSettings(), decoder=decoder)
    scores, times = [], []
    time_ms = start
    for leader, score, count, strides in runs:
        for _ in range(count):
            row = [-100] * len(labels)
            row[leader % len(labels)] = score
            scores.append(row)
            times.append(time_ms)
            time_ms += strides * STRIDE_MS
    found = Decoder(model).process(
        np.array(scores, np.int8), np.array([time % 2**32 for time in times], np.uint32)
    )
    original = Original(labels, decoder)
    expected = []
    for row, time in zip(scores, times, strict=True):
        label, score, is_new = original.process(row, time)
        if is_new:
            expected.append((time % 2**32, label, round_to_nearest(score * 65536)))
    assert [(entry.time_ms, entry.label, entry.score_q16) for entry in found] == expected


def test_reset_forgets_everything():
    decoder = Decoder(ModelSettings(name="m", labels=("_silence_", "yes")))
    scores = np.tile(np.array([-128, 127], np.int8), (40, 1))
    times = np.arange(30, 830, 20, dtype=np.uint32)
    first = decoder.process(scores, times)
    decoder.reset()
    assert decoder.process(scores, times) == first
    assert len(first) == 1
