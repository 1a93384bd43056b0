# SPDX-License-Identifier: Apache-2.0
"""The line that ends a command: the command that most people run next."""

from __future__ import annotations

import shlex

from stapes.plain import say


def next_step(*words: object, about: str = "") -> None:
    """Prints "Next: stapes ...": `words` are quoted for a shell, "..." stays as it is."""
    command = " ".join(str(w) if w == "..." else shlex.quote(str(w)) for w in words)
    say(f"Next: stapes {command}" + (f"   ({about})" if about else ""))
