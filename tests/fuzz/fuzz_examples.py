"""Number of examples of a property: few by default, multiplied by BROWNOUT_FUZZ_EXAMPLES in a long run."""

import os


def examples(usual: int) -> int:
    """The usual number times BROWNOUT_FUZZ_EXAMPLES, an integer (default 1)."""
    return usual * int(os.environ.get("BROWNOUT_FUZZ_EXAMPLES", "1"))
