"""How many random cases the property, storm and fuzz tests play."""

import os


def effort(usual: int) -> int:
    """`usual` times $BROWNOUT_EFFORT, a number (default 1), at least 1.

    The default fits the suite into minutes. A night: `BROWNOUT_EFFORT=20 pytest tests/chaos tests/fuzz`.
    """
    return max(1, round(usual * float(os.environ.get("BROWNOUT_EFFORT", "1"))))
