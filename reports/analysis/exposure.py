"""The scheduled faults that a run's calls met: nothing is concluded about the others."""

import math

import numpy as np

from ..metrics import Facts
from ..metrics.facts import floats
from ..record.manifest import Fault


def faults_met(facts: Facts) -> tuple[Fault, ...]:
    """The faults during which at least one of the subject's calls was sent, or that a provider's ledger names
    for one of its requests; warm-up left out."""
    sent_s = floats(facts.sent_calls, "started_s")
    named = set(facts.ledger["fault"].dropna())
    return tuple(
        fault
        for fault in facts.manifest.faults
        if fault.kind in named
        or bool(
            np.any((sent_s >= fault.from_s) & (sent_s < (math.inf if fault.to_s is None else fault.to_s)))
        )
    )
