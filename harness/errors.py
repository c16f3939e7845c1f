"""Errors of a run: wrong input, or a broken run."""


class InputError(Exception):
    """Bad input from the user: one line naming the file, the key and what was expected.

    The command line prints it and exits with code 2.
    """


class RunFailed(Exception):
    """A run broke for a reason other than its input. Rows measured so far are kept and marked partial."""
