"""The options of one run, as the command line, Locust's page or a test states them."""

from pathlib import Path

from pydantic import Field

from ..load.strict import StrictModel
from ..load.traces.options import TraceOverrides
from .scenario import Engine, Seconds


class RunOptions(StrictModel):
    """One frozen value; a process pool can pickle it.

    | field | default | meaning |
    | --- | --- | --- |
    | `scenario` | required | a shipped scenario's name, or a path to a .toml file |
    | `engine` | the scenario's | "locust" (real sockets) or "virtual" (virtual time) |
    | `seed` | the scenario's | decides every draw |
    | `duration_s` | the scenario's | length of the arrival plan in seconds |
    | `stacks` | the scenario's subjects | subjects to measure instead: names or paths |
    | `trace` | the scenario's | a file of recorded traffic, for scenarios whose arrivals are a trace |
    | `trace_overrides` | none | how it is read and played: columns, unit, slice, speed, scale |
    | `incident` | none | an incident's name or path; its faults are added to the scenario's |
    | `aa` | False | measure the first subject twice, with other draws of providers and stack |
    | `questions` | the workload's | a file of questions to ask instead |
    | `out` | "runs" | the folder in which the run directory is made |
    | `command` | "" | the command line that repeats the run, for the report |
    """

    scenario: str
    engine: Engine | None = None
    seed: int | None = Field(default=None, ge=0)
    duration_s: Seconds | None = None
    stacks: tuple[str, ...] = ()
    trace: Path | None = None
    trace_overrides: TraceOverrides = TraceOverrides()
    incident: str | None = None
    aa: bool = False
    questions: Path | None = None
    out: Path = Path("runs")
    command: str = ""
