"""The keys of a trace: `[arrivals]` of kind `trace` in a scenario, and `--trace-…` on the command line."""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from ..strict import StrictModel

Role = Literal["time", "input", "output", "session", "prefix"]
"""Uses of a column: start of the call, input and output tokens, conversation, ids of the prompt's blocks."""
TimeUnit = Literal["s", "ms", "us", "ns"]
ROLES: tuple[Role, ...] = ("time", "input", "output", "session", "prefix")
REQUIRED: tuple[Role, ...] = ("time", "input", "output")

_Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
_Factor = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]


class TraceSlice(StrictModel):
    """The part of a trace that is played: `{ from_s = 600, to_s = 1200 }`, seconds since its first row.

    `from_s` defaults to 0, `to_s` to the end. A row belongs to it when `from_s` <= its time < `to_s`.
    """

    from_s: _Seconds = 0.0
    to_s: _Seconds | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "TraceSlice":
        if self.to_s is not None and self.to_s <= self.from_s:
            raise ValueError(f"expected to_s after from_s, got {self.from_s:g} to {self.to_s:g}")
        return self


class TraceOptions(StrictModel):
    """How a trace is read and played.

    | key | default | meaning |
    | --- | --- | --- |
    | `file` | none | the trace, in the scenario's folder or else the working directory; or `--trace` |
    | `columns` | by format | names of the columns: `{ time, input, output, session, prefix }` |
    | `time_unit` | by format, else "s" | unit of times that are numbers: "s", "ms", "us" or "ns" |
    | `block_tokens` | by format, else 512 | tokens that an id in `prefix` stands for, 16 to 65,536 |
    | `slice` | all | the part that is played: `TraceSlice` |
    | `speed` | 1.0 | 2.0 plays the recorded times twice as fast |
    | `scale` | 1.0 | calls per recorded call: 0.5 leaves out every other one (drawn), 2.0 doubles them |
    | `reorder_s` | 10 | rows may be this much out of order, in recorded seconds |

    A column name with dots is also a path into nested JSON objects: "usage.prompt_tokens".
    """

    file: Annotated[str, Field(min_length=1)] | None = None
    columns: dict[Role, Annotated[str, Field(min_length=1)]] = Field(default={})
    time_unit: TimeUnit | None = None
    block_tokens: Annotated[int, Field(ge=16, le=65_536)] | None = None
    slice: TraceSlice = TraceSlice()
    speed: _Factor = 1.0
    scale: _Factor = 1.0
    reorder_s: Annotated[float, Field(ge=0, le=7 * 86_400, allow_inf_nan=False)] = 10.0


Options = TypeVar("Options", bound=TraceOptions)


class TraceOverrides(StrictModel):
    """The `--trace-…` options of the command line; None and {} keep the scenario's values."""

    columns: dict[Role, Annotated[str, Field(min_length=1)]] = Field(default={})
    time_unit: TimeUnit | None = None
    slice: TraceSlice | None = None
    speed: _Factor | None = None
    scale: _Factor | None = None

    def applied_to(self, options: Options) -> Options:
        """The options with these instead of their own; columns are replaced one by one."""
        given = {
            key: value
            for key in ("time_unit", "slice", "speed", "scale")
            if (value := getattr(self, key)) is not None
        }
        return options.model_copy(update={**given, "columns": {**options.columns, **self.columns}})
