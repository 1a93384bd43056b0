# SPDX-License-Identifier: Apache-2.0
"""The loss of a decoder that runs while a network is trained: it is about streams, not clips.

RecognizeCommands averages the scores of each word over some frames and detects the word if the
average is high enough. Here this average is taken at every frame at which the network answers, and
only its peak counts: it should be 1 somewhere for the word that is spoken, and 0 everywhere for all
other words. The network may choose at which frame a word has its peak.

Source: Sun et al. 2016, Max-Pooling Loss Training of Long Short-Term Memory Networks for
Small-Footprint Keyword Spotting, arXiv 1705.02411; the average before the maximum is Stapes' own.
"""

from __future__ import annotations

from typing import Any

from stapes.corpus.index import UNKNOWN_INDEX
from stapes.networks.backend import tf

_FIRST_WORD = UNKNOWN_INDEX + 1
_FLOOR = 1e-4  # least peak: a word that cannot be heard must not outweigh all others


def pulse_loss(logits: Any, truth: Any, *, average_frames: int) -> Any:
    """Mean over clips of the cross entropy of each wanted word's peak: a scalar.

    Args:
        logits: float32 [clips, ends, labels].
        truth: int32 [clips], the label of each clip.
        average_frames: how many frames the decoder averages, at most `ends`.
    """
    scores = tf.nn.softmax(logits)[..., _FIRST_WORD:]
    averages = tf.nn.avg_pool1d(scores, average_frames, strides=1, padding="VALID")
    peaks = tf.clip_by_value(tf.reduce_max(averages, axis=1), _FLOOR, 1 - _FLOOR)
    spoken = tf.one_hot(truth - _FIRST_WORD, peaks.shape[-1])  # unknown, silence: all zeros
    losses = -tf.math.log(tf.where(spoken > 0, peaks, 1 - peaks))
    return tf.reduce_mean(tf.reduce_sum(losses, axis=-1))
