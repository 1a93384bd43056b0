# SPDX-License-Identifier: Apache-2.0
"""Scores for labels that are all as likely, from a network that saw some of them more often.

Training shows other words, talk and silence more often than any one wanted word, so that a network
learns what they sound like. It also learns how often they came, and gives way to them in doubt.
What it learnt of that is taken back in the last layer's biases: at no cost on the device.

Source: Menon et al. 2021, Long-Tail Learning via Logit Adjustment, arXiv 2007.07314, section 4.1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from stapes.corpus.index import CorpusIndex
from stapes.errors import StapesError


def correct_priors(model: Any, index: CorpusIndex, strength: float) -> None:
    """Lowers the bias of each label by `strength` times the logarithm of its share of the training
    clips, against the mean share of the wanted words.

    Args:
        model: a Keras network; changed in place.
        index: the clips that it was trained with.
        strength: 0 leaves the biases as they are, 1 makes all labels as likely.

    Raises:
        StapesError: a last layer without a bias for each label.
    """
    if not strength:
        return
    shares = np.array(index.training_shares())
    last = model.layers[-1]
    bias = getattr(last, "bias", None)
    if bias is None or tuple(bias.shape) != shares.shape:
        raise StapesError(
            f"--prior_correction={strength:g}: found a last layer {last.name} without a bias for "
            f"each of {len(shares)} labels, expected one; leave the flag out"
        )
    bias.assign_sub(strength * np.log(shares).astype(np.float32))
