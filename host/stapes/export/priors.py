# SPDX-License-Identifier: Apache-2.0
"""Scores as if all labels were equally likely, from a network that saw some labels more often.

Training shows other words, talk and silence more often than any one wanted word, so that a network
learns what they sound like. But the network also learns how often they came, and prefers them when
in doubt. The biases of the last layer are changed to undo this: at no cost on the device.

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
        strength: 0 leaves the biases as they are, 1 makes all labels equally likely.

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
