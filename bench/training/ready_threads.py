#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""For how many cores of a machine a process has work, even if other processes use them.

ready_threads.py PID counts, again and again, the threads of the process that run or are ready to
run. A count is at most the number of cores. When its standard input is closed, it prints the mean
as a share of the cores. Linux only.
"""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

INTERVAL_SECONDS = 0.02


def main() -> None:
    tasks = Path(f"/proc/{sys.argv[1]}/task")
    cores = len(os.sched_getaffinity(int(sys.argv[1])))
    samples = []
    while not select.select([sys.stdin], [], [], INTERVAL_SECONDS)[0]:
        samples.append(min(cores, sum(map(is_ready, tasks.iterdir()))) / cores)
    print(sum(samples) / max(1, len(samples)))


def is_ready(task: Path) -> bool:
    try:
        after_name = (task / "stat").read_text().rpartition(")")[2]
    except OSError:  # it has ended
        return False
    return after_name.split()[0] == "R"


if __name__ == "__main__":
    main()
