"""The one exception that carries a message for the user."""


class StapesError(Exception):
    """A mistake the user can mend: one line naming what was read, what was found, what was
    expected and how to mend it. The command line prints it and exits with status 2."""
