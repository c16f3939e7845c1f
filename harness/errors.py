"""What can go wrong with a run: the input is wrong, or the run breaks."""


class InputError(Exception):
    """Bad input from the user: one line naming the file, the key and what was expected.

    The command line prints it and exits with code 2.
    """


class RunFailed(Exception):
    """A run that broke for a reason that is not the user's input. What was measured is kept and marked."""
