"""Recorded traffic as values: the rows of a trace as they are played, and the table of what was read.

`traces.reading.read_trace` makes a `Trace` from a file.
"""

from dataclasses import dataclass

from reports.record.trace_read import TraceRead

from .traces.formats import DEFAULT_BLOCK_TOKENS


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One call: seconds since the start of the run, input and output tokens.

    `session` names its conversation, "" for none. `prefix` has a key for each block of the prompt; calls
    whose prompts begin alike begin with the same keys. Empty: the prompt shares nothing.
    """

    at_s: float
    input_tokens: int
    output_tokens: int
    session: str = ""
    prefix: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """The calls of a trace in order of time; `name` is the file's. `block_tokens`: tokens a key of a prefix
    stands for. `ends_s`: where the file ends in seconds of playing, if that is before the end of the run.
    """

    name: str
    rows: tuple[TraceRow, ...]
    block_tokens: int = DEFAULT_BLOCK_TOKENS
    read: TraceRead | None = None
    ends_s: float | None = None
