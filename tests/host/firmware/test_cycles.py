# SPDX-License-Identifier: Apache-2.0
"""Cycles worked out by hand: a listing, how often its blocks ran, the sums by each core's table."""

from collections import Counter
from pathlib import Path

import pytest

from stapes.errors import StapesError
from stapes.firmware.boards import Board, Flash
from stapes.firmware.cycles import (
    TABLES,
    FlashCache,
    Run,
    estimate,
    estimate_cycles,
    parse_listing,
)

LISTING = """
00000100 <f>:
     100:\tb510      \tpush\t{r4, lr}
     102:\te9d0 1200 \tldrd\tr1, r2, [r0]
     106:\t6803      \tldr\tr3, [r0, #0]
     108:\t6844      \tldr\tr4, [r0, #4]
     10a:\tfbc1 2304 \tsmlal\tr2, r3, r1, r4
     10e:\t3901      \tsubs\tr1, #1
     110:\td1f9      \tbne.n\t106 <f+0x6>
     112:\t6002      \tstr\tr2, [r0, #0]
     114:\tbd10      \tpop\t{r4, pc}
"""
# The loop runs three times.
RUN = Run(
    blocks=Counter({(0x100, 18): 1, (0x106, 12): 2, (0x112, 4): 1}),
    steps=Counter({(0x112, 0x106): 2, (0x112, 0x112): 1, (0x116, 0x40): 1}),
)


def test_a_listing_gives_sizes_names_and_registers():
    listing = parse_listing(LISTING)
    assert [found.size for found in listing.values()] == [2, 4, 2, 2, 4, 2, 2, 2, 2]
    assert (listing[0x100].registers, listing[0x102].registers) == (2, 2)
    assert listing[0x110].is_branch and listing[0x106].is_single_load
    assert not listing[0x114].is_branch and listing[0x112].is_single_store
    assert parse_listing("  10:\te8bd 8ff0 \tldmia.w\tsp!, {r4-r11, pc}")[16].registers == 9


@pytest.mark.parametrize(
    ("core", "smlal", "second_load", "store", "taken", "back"),
    [
        ("cortex-m4", 1, 1, 1, 3, 2),
        ("cortex-m3", 7, 1, 1, 3, 2),
        ("cortex-m0plus", 1, 2, 2, 2, 2),
    ],
)
def test_cycles_are_those_of_the_manual(core, smlal, second_load, store, taken, back):
    found = estimate(RUN, parse_listing(LISTING), TABLES[core])
    assert found.instructions == 2 + 3 * 5 + 2
    assert found.taken == 3
    loop = 2 + second_load + smlal + 1
    push_and_ldrd, pop = 3 + 3, 3
    branches = 2 * taken + 1  # twice taken, once not
    assert found.cycles == push_and_ldrd + 3 * loop + branches + store + pop + back


def test_a_cache_waits_for_lines_that_it_has_not_or_no_longer():
    cache = FlashCache(Flash(wait_states=5, line_bytes=8, cache_bytes=16))
    for address, size in ((0, 4), (4, 4), (8, 2), (0, 1), (16, 4), (8, 4), (14, 4), (0, 1)):
        cache.read(address, size)
    # 0 and 8 come; 0 is used again, so 16 takes the place of 8, then 8 that of 0, and 0 returns.
    assert cache.misses == 5


def test_without_a_cache_only_the_last_line_is_at_hand():
    cache = FlashCache(Flash(wait_states=1, line_bytes=4, cache_bytes=4))
    for address in (0, 2, 4, 0):
        cache.read(address, 2)
    assert cache.misses == 3


def test_a_core_whose_manual_has_no_table_is_refused():
    board = Board(
        name="b", option="b", flash_start=0, flash_bytes=1, ram_start=1, ram_bytes=1,
        stack_bytes=1, qemu_machine=None,
    )  # fmt: skip
    with pytest.raises(StapesError, match="cortex-m33: found no table in its manual"):
        estimate_cycles(Path("none.elf"), board, "cortex-m33")
