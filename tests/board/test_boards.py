"""What holds for every emulated board."""

import numpy as np
import pytest

from stapes.link.emulator import MACHINES
from stapes.link.replay import NativePlayer, open_player


@pytest.mark.parametrize("board", sorted(MACHINES))
def test_features_scores_times_and_detections_are_those_of_python(firmware, board):
    rng = np.random.default_rng(1)
    loudness = np.repeat([30, 3000, 32767, 400], 3000)
    audio = (rng.uniform(-1, 1, loudness.size) * loudness).astype(np.int16)
    expected = NativePlayer(firmware.model).play(audio)
    with open_player(board=board, image=firmware.image(board), send_scores=True) as player:
        replayed = player.play(audio)
    np.testing.assert_array_equal(replayed.features_crc, expected.features_crc)
    np.testing.assert_array_equal(replayed.scores, expected.scores)
    np.testing.assert_array_equal(replayed.times_ms, expected.times_ms)
    assert replayed.detections == expected.detections != []
