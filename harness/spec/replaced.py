"""Inputs of a scenario that a run's options replace: its title and claims were written for its own."""

from .run_options import RunOptions
from .scenario import Claim, Scenario
from .subject import Subject
from .subjects import table_name


def replaced_inputs(scenario: Scenario, options: RunOptions) -> tuple[str, ...]:
    """The inputs that are played instead of the scenario's own, in words; empty where it is played as it is.

    A trace for a scenario that names none is no replacement: it asks for one.
    """
    found = []
    if options.questions is not None:
        found.append(f"the questions of {options.questions.name}")
    if options.incident is not None:
        found.append(f"the faults of {options.incident}")
    own_trace = getattr(scenario.arrivals, "file", None)
    if options.trace is not None and own_trace is not None:
        found.append(f"the trace {options.trace.name}")
    changed = options.trace_overrides
    parts = {"slice": changed.slice, "speed": changed.speed, "scale": changed.scale}
    if named := [name for name, value in parts.items() if value is not None]:
        found.append(f"another {' and '.join(named)} of the trace")
    return tuple(found)


def why_not_judged(claim: Claim, replaced: tuple[str, ...], strangers: frozenset[str]) -> str:
    """Why a claim of the scenario says nothing about this run; "" where it does."""
    if replaced:
        return f"the run played {' and '.join(replaced)}"
    return f"{claim.subject} is not the scenario's own" if claim.subject in strangers else ""


def strangers(scenario: Scenario, options: RunOptions, subjects: tuple[Subject, ...]) -> frozenset[str]:
    """Names of subjects of the options that are not the scenario's own, whatever they are called."""
    own = {entry if isinstance(entry, str) else table_name(entry) for entry in scenario.subjects}
    return frozenset(of.name for name, of in zip(options.stacks, subjects, strict=False) if name not in own)
