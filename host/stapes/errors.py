# SPDX-License-Identifier: Apache-2.0
"""The one exception that carries a message for the user."""


class StapesError(Exception):
    """A mistake that the user can fix: one line naming what was read, what was found, what was
    expected and how to fix it. The command line prints it and exits with status 2."""
