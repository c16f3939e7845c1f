"""The scheduled faults that a run's calls met: nothing is concluded about the others."""

import math

from ..metrics import Facts
from ..metrics.facts import floats
from ..record.manifest import Fault


def faults_met(facts: Facts) -> tuple[Fault, ...]:
    """The faults during which at least one of the subject's calls was under way, warm-up left out."""
    calls = facts.sent_calls
    begins_s, ends_s = floats(calls, "started_s"), floats(calls, "end_s")
    return tuple(
        fault
        for fault in facts.manifest.faults
        if bool(
            ((begins_s < (math.inf if fault.to_s is None else fault.to_s)) & (ends_s >= fault.from_s)).any()
        )
    )
