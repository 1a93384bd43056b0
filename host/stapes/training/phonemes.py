# SPDX-License-Identifier: Apache-2.0
"""A second thing to learn beside the labels: which phonemes a clip holds, one after the other.

A network that must spell each word learns sounds that all words share, from people and from
synthetic voices alike. What tells phonemes apart is used in training alone; no model holds it.

Source: Graves et al. 2006, Connectionist Temporal Classification, ICML; its use beside labels of
words: Kim et al. 2017, Joint CTC-Attention Based End-to-End Speech Recognition, arXiv 1609.06773.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stapes.corpus.phonemes import Sounds, sounds_of
from stapes.corpus.synthesizers import Espeak
from stapes.errors import StapesError
from stapes.networks.backend import keras, tf
from stapes.networks.ends import frames_before, with_phonemes
from stapes.training.checkpoint import assign
from stapes.training.settings import TrainingSettings

FLAG = "--phoneme_weight"
Transcribe = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Pronunciations:
    """Numbers of `phonemes` for each text: int32 [texts, most], of which `lengths` [texts] count.
    `known` [texts] is 1.0, or 0.0 for a text that nobody can pronounce."""

    phonemes: Sounds
    numbers: np.ndarray
    lengths: np.ndarray
    known: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[str], transcribe: Transcribe) -> Pronunciations:
        """Of texts as espeak-ng transcribes them; "" is silence, which holds none.

        Raises:
            StapesError: none can be pronounced.
        """
        spoken = [text for text in texts if text]
        said = dict(zip(spoken, map(sounds_of, transcribe(spoken)), strict=True))
        phonemes = tuple(sorted({sound for sounds in said.values() for sound in sounds}))
        if not phonemes:
            raise StapesError(
                f"{FLAG}: found no word that espeak-ng can pronounce, expected some; check "
                "--phoneme_language, or leave the flag out"
            )
        rows = [[phonemes.index(sound) for sound in said.get(text, ())] for text in texts]
        numbers = np.zeros((len(texts), max(map(len, rows))), np.int32)
        for number, row in enumerate(rows):
            numbers[number, : len(row)] = row
        return cls(
            phonemes=phonemes,
            numbers=numbers,
            lengths=np.array([len(row) for row in rows], np.int32),
            known=np.array([not text or bool(said[text]) for text in texts], np.float32),
        )


class PhonemeHead:
    """The layer that tells phonemes apart, its optimizer, and `model`: the network as it is
    trained, with this layer's answers as its second output."""

    def __init__(
        self, network: Any, settings: TrainingSettings, texts: Sequence[str], *, optimizer: Any
    ) -> None:
        """Raises:
        StapesError: a network without layers for it, too short a lead, or no espeak-ng.
        """
        self.frames_before = frames_before(network)
        if self.frames_before > settings.lead_frames:
            milliseconds = self.frames_before * settings.front_end.window_stride_ms
            raise StapesError(
                f"--lead_ms={settings.lead_ms:g}: expected at least {milliseconds:g} with {FLAG}, "
                "for the frames before each clip that the layers below the last remember; raise it"
            )
        self._weight = settings.phoneme_weight
        espeak = Espeak(language=settings.phoneme_language)
        self._said = Pronunciations.of(texts, espeak.transcriptions)
        self._layer = keras.layers.Dense(
            len(self._said.phonemes) + 1,
            kernel_initializer=keras.initializers.GlorotUniform(seed=settings.seed),
            name="phonemes",
        )
        self.model = with_phonemes(network, self._layer, settings.ends)
        self.optimizer = optimizer
        self.optimizer.build(self.weights)

    @property
    def weights(self) -> list[Any]:
        return list(self._layer.trainable_variables)

    def state(self) -> list[np.ndarray]:
        """All that a training needs to go on from."""
        return [variable.numpy() for variable in self._variables]

    def restore(self, state: list[np.ndarray], *, source: str) -> None:
        """Of a training without phonemes, `state` is empty, and the layer begins anew."""
        if state:
            assign(self._variables, state, source=source)

    @property
    def _variables(self) -> list[Any]:
        return [*self.weights, *self.optimizer.variables]

    def loss(self, logits: Any, texts: Any) -> Any:
        """The mean over clips of what their phonemes cost, with its weight: a scalar.

        Args:
            logits: float32 [clips, steps, phonemes + 1], the last one for none.
            texts: int32 [clips], which text each says; below 0 if nobody knows.
        """
        steps, none = logits.shape[1], logits.shape[2] - 1
        row = tf.maximum(texts, 0)
        lengths = tf.gather(self._said.lengths, row)
        told = (texts >= 0) & (lengths <= steps)
        known = tf.gather(self._said.known, row) * tf.cast(told, tf.float32)
        costs = tf.nn.ctc_loss(
            tf.gather(self._said.numbers, row),
            logits,
            tf.where(told, lengths, 0),
            tf.fill([tf.shape(texts)[0]], steps),
            logits_time_major=False,
            blank_index=none,
        )
        return self._weight * tf.reduce_mean(costs * known)
