# SPDX-License-Identifier: Apache-2.0
"""Which voices the engines of this machine have."""

from __future__ import annotations

import pytest

from stapes.corpus.engines import Festival

NO_VOICES = """"Could not find any of these voices:"
(nitech_us_slt_arctic_hts kal_diphone)

WARNING
No default voice found in ("/usr/share/festival/voices/")
WARNING

nil
"""


@pytest.mark.parametrize(
    ("listing", "voices"),
    [
        ("(ked_diphone cmu_us_slt_arctic_hts)\n", ["cmu_us_slt_arctic_hts", "ked_diphone"]),
        (NO_VOICES, []),
    ],
)
def test_festival_has_the_voices_that_are_installed(tmp_path, listing, voices):
    program = tmp_path / "festival"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{listing}END\n")
    program.chmod(0o755)
    assert Festival(program=str(program)).voices() == voices
