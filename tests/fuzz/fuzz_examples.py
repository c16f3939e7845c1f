"""How many examples a property gets: few in every run, BROWNOUT_FUZZ_EXAMPLES times as many in a long one."""

import os


def examples(usual: int) -> int:
    """The usual number times BROWNOUT_FUZZ_EXAMPLES, an integer (default 1)."""
    return usual * int(os.environ.get("BROWNOUT_FUZZ_EXAMPLES", "1"))
