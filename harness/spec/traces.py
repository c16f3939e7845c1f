"""The trace of a run: the scenario's options with those of the command line, and the file they name."""

from pathlib import Path

from ..errors import InputError
from ..load.arrivals import TraceArrivals
from ..load.trace import Trace
from ..load.traces.options import TraceOverrides
from ..load.traces.reading import read_trace
from .run_options import RunOptions
from .scenario import Scenario


def with_trace_options(path: Path, scenario: Scenario, options: RunOptions) -> Scenario:
    """The scenario at `path` with the trace and the trace options of the command line.

    Raises InputError when they are given for arrivals of another kind.
    """
    arrivals, overrides = scenario.arrivals, options.trace_overrides
    if options.trace is None and overrides == TraceOverrides():
        return scenario
    if not isinstance(arrivals, TraceArrivals):
        given = "a trace is given" if options.trace else "--trace options are given"
        raise InputError(f'{path}: arrivals.kind: expected "trace" because {given}, got "{arrivals.kind}"')
    arrivals = overrides.applied_to(arrivals)
    if options.trace is not None:
        arrivals = arrivals.model_copy(update={"file": str(options.trace.absolute())})
    return scenario.model_copy(update={"arrivals": arrivals})


def played_duration_s(scenario: Scenario, duration_s: float, trace: Trace | None) -> float:
    """The length of the run: that of the trace's part in seconds of playing, or to the end of its file, if
    one is shorter. Rates are of this time."""
    arrivals = scenario.arrivals
    if trace is not None and trace.ends_s is not None:
        duration_s = min(duration_s, trace.ends_s)
    if not isinstance(arrivals, TraceArrivals) or arrivals.slice.to_s is None:
        return duration_s
    return min(duration_s, (arrivals.slice.to_s - arrivals.slice.from_s) / arrivals.speed)


def load_trace(path: Path, scenario: Scenario, seed: int, duration_s: float) -> Trace | None:
    """The calls of the first `duration_s` seconds of the scenario's trace; None for other arrivals.

    Raises InputError, one line, when there is no file or it cannot be read.
    """
    arrivals = scenario.arrivals
    if not isinstance(arrivals, TraceArrivals):
        return None
    if arrivals.file is None:
        raise InputError(
            f"{path}: arrivals.file: a trace is played, expected --trace FILE (Azure, Mooncake, BurstGPT, "
            "or any CSV, JSONL or Parquet; for example github.com/Azure/AzurePublicDataset)"
        )
    beside = path.parent / arrivals.file
    file = beside if beside.is_file() else Path(arrivals.file)
    return read_trace(file, arrivals, seed=seed, duration_s=duration_s)
